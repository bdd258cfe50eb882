"""Whether a text is in a language that the tone reader reads. By script and by the commonest words; no model.

The encoder was trained on Arabic, Chinese, Dutch, English, French, German, Italian, Japanese, Korean, Polish,
Portuguese, Russian, Spanish, Thai and Turkish; Swedish, Danish and Norwegian are read with the help of cues
(`cues.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from startdeliver.assessment.wording import words

_WORD = re.compile(r"[^\W\d_]+")

_ENGLISH = words(
    "the and is are to of in we our you your it this that not for with have has i my be can on was as at please",
    "thanks thank how what when why hi hello ok yes no still again",
)
_READ = _ENGLISH | words(
    # German, French, Spanish, Italian, Dutch, Portuguese, Polish, Turkish
    "der die das und ist nicht wir sie ich ein eine zu mit auf für den dem es bitte danke wie kann haben sind",
    "le la les des est pas nous vous je un une pour avec dans sur que qui ne ce merci au aux du notre votre",
    "el los las es no que de en un una por con para nos se lo muy está gracias y su nuestro",
    "il lo gli che non di per con una sono è ci si grazie del della nostro",
    "het een niet wij u ik van voor met dat zijn op aan bij te onze uw dank",
    "o os não que em um uma para com nos obrigado está do da nosso",
    "nie jest się że na do w z i proszę dziękuję czy jak to nasz",
    "bir ve bu için çok ne değil var biz lütfen teşekkürler ile mı mi",
    # Swedish, Danish, Norwegian: the encoder never learned them; their cousins and the cues carry it (see
    # benchmarks/assessment/sentences.txt).
    "och att det som är inte vi har jag med för på av ett den till kan ni från eller också mycket tack hej vår våra",
    "ikke og jeg er til af vores hvordan tak mange meget hvor kan når vår takk dere oss nå hos har de",
)
_UNREAD = words(
    # Finnish, Czech, Slovak, Hungarian, Romanian, Croatian, Estonian, Latvian, Lithuanian,
    # Indonesian, Icelandic
    "ja ei että on emme voi kiitos meidän mutta tämä olemme ovat mitä miten myös",
    "že se na jsme není děkuji prosím jak když naše nefunguje který sme nie je ďakujem prečo",
    "és nem hogy egy az van köszönöm kérem meg mert ez nincs nagyon",
    "și nu este care pentru mulțumesc vă sunt avem dar",
    "nije smo hvala molim što kako ali imamo",
    "ei ole meie aitäh kuidas palun ning",
    "nav paldies kā mēs mūsu ir bet ačiū kaip mes mūsų yra",
    "yang tidak kami dan ini untuk terima kasih saya dengan bisa",
    "ekki við það er með takk",
) - words("nie is na ja do se on vi kan er van het een met")
# Letters that no language which is read uses.
_FOREIGN = frozenset("ůřěőűđơưășțāēīūģķļņšžčďťňĺŕėųįųðþ")
_UNREAD_CYRILLIC = frozenset("іїєґўјљњћђџќѓѕ")
_PERSIAN = frozenset("پچژگ")


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    code = ord(letter)
    if code < 0x0250 or 0x1E00 <= code < 0x1F00:
        return "latin"
    if 0x0400 <= code < 0x0530:
        return "cyrillic"
    if 0x0600 <= code < 0x0780 or 0xFB50 <= code < 0xFE00 or 0xFE70 <= code < 0xFF00:
        return "arabic"
    if 0x0E00 <= code < 0x0E80:
        return "thai"
    if 0x3040 <= code < 0x3400 or 0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xD7B0 or 0x1100 <= code < 0x1200:
        return "east"
    return "other"


def is_read(text: str, only_english: bool = False) -> bool:
    """Whether the reader reads this text. Without any letters: yes, there is nothing to misread."""
    if text.isascii():
        return _latin(text.lower(), only_english)
    low = text.lower()
    scripts: dict[str, int] = {}
    for letter in low:
        if letter.isalpha():
            script = _script(letter)
            scripts[script] = scripts.get(script, 0) + 1
    if not scripts:
        return True
    main = max(scripts, key=lambda script: scripts[script])
    if main == "latin":
        return _latin(low, only_english)
    if only_english or main == "other":
        return False
    letters = set(low)
    return not ((main == "cyrillic" and letters & _UNREAD_CYRILLIC) or (main == "arabic" and letters & _PERSIAN))


def _latin(low: str, only_english: bool) -> bool:
    spoken = _WORD.findall(low)
    if only_english:
        return len(spoken) < 4 or sum(word in _ENGLISH for word in spoken) * 8 >= len(spoken)
    unread = sum(word in _UNREAD and word not in _READ for word in spoken)
    read = sum(word in _READ and word not in _UNREAD for word in spoken)
    foreign = sum(any(letter in _FOREIGN for letter in word) for word in spoken)
    return not (unread + foreign >= 2 and unread + foreign > read)
