"""Mail domains: what an address's domain is, and which domains say nothing about a company."""

from __future__ import annotations

from urllib.parse import urlsplit

# Where people have private addresses. Not complete, and need not be: matching by domain is off by default.
_PUBLIC = (
    "gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.es yahoo.it yahoo.co.jp "
    "yahoo.co.in yahoo.com.br ymail.com rocketmail.com outlook.com outlook.de outlook.fr hotmail.com "
    "hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es hotmail.se live.com live.co.uk live.se live.nl "
    "live.fr msn.com passport.com icloud.com me.com mac.com aol.com aim.com gmx.com gmx.net gmx.de gmx.at "
    "gmx.ch web.de t-online.de freenet.de mail.com email.com mail.ru bk.ru list.ru inbox.ru yandex.ru "
    "yandex.com ya.ru rambler.ru qq.com 163.com 126.com sina.com sina.cn sohu.com foxmail.com aliyun.com "
    "yeah.net naver.com daum.net hanmail.net nate.com protonmail.com proton.me pm.me tutanota.com tutanota.de "
    "tuta.io tuta.com fastmail.com fastmail.fm hey.com zoho.com zohomail.com zohomail.eu hushmail.com "
    "mailbox.org posteo.de posteo.net orange.fr wanadoo.fr free.fr laposte.net sfr.fr bbox.fr neuf.fr "
    "libero.it virgilio.it alice.it tin.it tiscali.it tiscali.co.uk btinternet.com sky.com virginmedia.com "
    "ntlworld.com talktalk.net blueyonder.co.uk comcast.net verizon.net att.net sbcglobal.net bellsouth.net "
    "cox.net charter.net earthlink.net juno.com optonline.net shaw.ca rogers.com sympatico.ca telus.net "
    "bigpond.com bigpond.net.au optusnet.com.au telia.com bredband.net spray.se telenor.no online.no mail.dk "
    "ofir.dk jubii.dk ziggo.nl kpnmail.nl planet.nl home.nl xs4all.nl hetnet.nl telenet.be skynet.be "
    "bluewin.ch hispeed.ch sunrise.ch terra.com.br uol.com.br bol.com.br ig.com.br wp.pl o2.pl onet.pl "
    "interia.pl seznam.cz centrum.cz abv.bg rediffmail.com indiatimes.com mailinator.com guerrillamail.com "
    "10minutemail.com yopmail.com duck.com relay.firefox.com privaterelay.appleid.com "
)
PUBLIC = frozenset(_PUBLIC.split())


def of_email(address: str) -> str:
    """The domain of an e-mail address in lower case; empty for none and for public mail domains."""
    return _company(address.rpartition("@")[2] if "@" in address else "")


def of_website(address: str) -> str:
    """The domain of a website's address without `www.`; empty for none and for public mail domains."""
    address = address.strip()
    if not address:
        return ""
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
    return _company(host.removeprefix("www."))


def _company(domain: str) -> str:
    domain = domain.strip().strip(".").casefold()
    return domain if "." in domain and len(domain) <= 253 and domain not in PUBLIC else ""
