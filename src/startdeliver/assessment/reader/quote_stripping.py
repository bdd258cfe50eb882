"""The words that the writer of a message wrote: without what it quotes, its greeting and its signature."""

from __future__ import annotations

import re

# Everything from here on is an earlier message or a machine's footer.
_QUOTATION = re.compile(
    r"(?:\n|^)\s*(?:>|-{2,}\s*(?:\n|$)|_{5,}"
    r"|-+ ?(?:original message|ursprüngliche nachricht|message d'origine|mensaje original|forwarded message)"
    r"|on .{4,90} wrote:|am .{4,90} schrieb.{0,60}:|le .{4,90} a écrit ?:|el .{4,90} escribió:"
    r"|op .{4,90} schreef.{0,60}:"
    r"|il .{4,90} ha scritto:|em .{4,90} escreveu:|den .{4,90} skrev.{0,60}:"
    r"|(?:from|von|de|van|da|från|fra): .{2,80}(?:\n|\s)(?:sent|gesendet|envoyé|enviado|date|datum|verzonden|inviato|"
    r"skickat|sendt): )",
    re.IGNORECASE,
)
_INLINE_QUOTATION = re.compile(
    r"\s(?:on (?:mon|tue|wed|thu|fri|sat|sun|\d|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).{4,90} wrote:"
    r"|am .{4,60} schrieb.{0,60}:|le .{4,60} a écrit ?:)",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(
    r"(?:(?<=[.!?…])\s+|\n\s*|^\s*)(?:(?:kind|best|warm|many|with (?:kind|best)) (?:regards|wishes)|regards"
    r"|best,|cheers,"
    r"|sincerely|yours (?:sincerely|truly|faithfully)|(?:many )?thanks,|thank you,|thanks in advance|sent from my "
    r"|mit freundlichen grüßen|viele grüße|beste grüße|liebe grüße|freundliche grüße|mfg\b|vg\b|cordialement"
    r"|bien à vous|meilleures salutations|saludos|un saludo|atentamente|cordiali saluti|distinti saluti|saluti"
    r"|met vriendelijke groet|groeten|mvg\b|cumprimentos|atenciosamente|med vänlig hälsning|vänliga hälsningar"
    r"|hälsningar|med venlig hilsen|venlig hilsen|med vennlig hilsen|mvh\b|hilsen)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen)|liebe[rs]?"
    r"|sehr geehrte\w*"
    r"|bonjour|bonsoir|hola|buenos días|buenas tardes|ciao|buongiorno|salve|beste|goedemorgen|olá|bom dia|boa tarde"
    r"|hej|god (?:dag|morgon|morgen)|kära|kære|kjære)(?: [^,.!?\n]{1,40})?[,!:.\n]\s*(?=\S)",
    re.IGNORECASE,
)
_LONGEST_SIGNATURE = 400


def own_words(text: str) -> str:
    """The part of `text` that its writer wrote for this message; all of it when nothing else would be left."""
    quotation = _QUOTATION.search(text) or _INLINE_QUOTATION.search(text)
    if quotation and text[: quotation.start()].strip():
        text = text[: quotation.start()]
    ends = [match for match in _SIGNATURE.finditer(text) if len(text) - match.start() <= _LONGEST_SIGNATURE]
    if ends and text[: ends[0].start()].strip():
        text = text[: ends[0].start()]
    return _GREETING.sub("", text, count=1) or text
