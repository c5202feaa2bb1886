"""A message without what differs between two failures of one cause; fingerprints.

Every step is linear in the message, which is cut to `WINDOW` characters first: what
follows after so many never told two causes apart.
"""

import hashlib
import re
from functools import lru_cache
from typing import Final

WINDOW: Final = 4096
_KNOWN: Final = 4096


def gist(message: str) -> str:
    """Return the message without its first correlation id, as Codat spells it.

    Failures of one cause mostly differ in that alone, so what follows is done once for
    all of them.
    """
    message = message[:WINDOW]
    start = message.find(_CORRELATION)
    if start < 0:
        return message
    end = message.find(" ", start + len(_CORRELATION))
    return message[:start] + (message[end:] if end >= 0 else "")


_CORRELATION: Final = "Correlation ID: "


def normal(message: str) -> str:
    """Return the message as rules and fingerprints see it, in lower case.

    Codat's envelope and correlation ids are left out. A `#` stands for each GUID,
    date, amount, number of two digits or more, name that holds one, and quoted value.
    HTTP statuses stay.
    """
    return _normal(gist(message))


@lru_cache(maxsize=_KNOWN)
def _normal(message: str) -> str:
    text = " ".join(message[:WINDOW].split())
    text = _ENVELOPE.sub("", text, count=1)
    text = _VARYING.sub(_stand_in, text)
    return _RUN.sub("#", text).casefold().strip(" .!:;,")


# Source: Codat's own samples of "Syncing expenses", read 2026-11-22.
_ENVELOPE: Final = re.compile(
    r"\A ?an error occurred in a downstream service\. ?"
    r"(?:correlation id:(?: [0-9a-f-]{1,64}\.?)? ?)?(?:message: ?)?",
    re.IGNORECASE,
)
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?"
    r"|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
# An amount or a whole number; a sign or a currency's symbol may stand before it.
_NUMBER: Final = (
    r"[-+]?[$\u00a3\u20ac\u00a5]?[-+]?"
    r"(?:\d{1,3}(?:[ ,.'\u00a0\u202f\u2019]\d{3}){1,6}(?:[.,]\d{1,9})?(?![\w-])"
    r"|\d{1,20}[.,]\d{1,12}(?![\w-])|\d{2,40}(?![\w-]))"
)
_VARYING: Final = re.compile(
    r"(?P<drop>\(?\b(?:x-)?(?:correlation|request|trace)[ _-]?id\b"
    r"[ '\"]{0,2}[:=]? ?[{'\"(]?[\w-]{1,80}['\")}]?\.?)"
    r"|(?P<claim>\bpreviously been processed ?: ?)\S.*"
    r"|(?P<keep>\b(?:http(?:[ /]?\d\.\d)?|status(?: ?code)?|response(?: code)?)"
    r"[ :=]{0,3}\(?[1-5]\d\d\b\)?"
    r"|\b[45]\d\d(?= \(?(?:bad request|unauthori[sz]ed|payment required|forbidden"
    r"|not found|method not|conflict|gone|unprocessable|too many|internal server"
    r"|not implemented|bad gateway|service unavailable|gateway time))"
    r"|(?<!code )(?<!number )(?<!account )(?<!line )(?<!item )"
    r"\((?:http )?[45]\d\d\))"
    r"|(?P<vary>(?<!\w)(?:'[^']{1,200}'|\u2018[^\u2019]{1,200}\u2019)(?!\w)"
    r"|\"[^\"]{1,200}\"|\u201c[^\u201d]{1,200}\u201d|`[^`]{1,200}`"
    r"|\u00ab[^\u00bb]{1,200}\u00bb|\{[^{}]{1,200}\}"
    r"|\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b|\b[0-9a-f]{16,128}\b"
    r"|\b\d{4}-\d\d-\d\d(?:t\d\d:?\d\d(?::?\d\d(?:[.,]\d{1,9})?)?)?"
    r"(?:z|[+-]\d\d:?\d\d)?\b"
    r"|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b"
    r"|\b\d{1,2}(?:st|nd|rd|th)?[ ./-]?(?:of )?" + _MONTH + r"\b\.?,?"
    r"(?:[ ./-]?\d{2,4}\b)?"
    r"|\b" + _MONTH + r"\.? \d{1,4}(?:st|nd|rd|th)?\b(?:,? \d{4}\b)?"
    r"|\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?[ap]m\b)?"
    r"|(?<![\w.,])" + _NUMBER + r"|\b(?=[\w/-]{0,40}\d[\w/-]{0,40}\d)\w[\w/-]{0,79}"
    r"|\b[a-z]{1,10}[-#]\d\b)",
    re.IGNORECASE,
)
_RUN: Final = re.compile(r"#(?:[ ,;:/-]{0,3}#)+")


def _stand_in(found: re.Match[str]) -> str:
    """Return what takes the place of something that may differ."""
    if found["drop"] is not None:
        return ""
    if found["claim"] is not None:
        return f"{found['claim']}#"
    return "#" if found["keep"] is None else found[0]


def fingerprint(
    message: str | None, *, code: int | str | None, http_status: int | None
) -> str:
    """Return the failure's fingerprint: the algorithm's version and 16 hex digits.

    The sync's code counts only where there is no message, so that the same failure is
    known again whichever source it was read from.
    """
    words = normal(message) if message else ""
    return "fp2:" + _hashed(words, None if words else code, http_status)


def fingerprint_1(
    message: str, *, code: int | str | None, http_status: int | None
) -> str:
    """Return the fingerprint by the first algorithm, as reports before 0.4 gave it."""
    start = message.find(_CORRELATION)
    if start >= 0:
        end = message.find(" ", start + len(_CORRELATION))
        message = message[:start] + (message[end:] if end >= 0 else "")
    words = " ".join(_NOISE_1.sub("", message).split()).casefold()
    return "fp1:" + _hashed(words, code, http_status)


_NOISE_1: Final = re.compile(
    r"correlation id:\s*\S+"
    r"|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
    r"|-?\d{1,60}[.,]\d+",  # of a longer number, the end: no run is searched twice
    re.IGNORECASE,
)


@lru_cache(maxsize=_KNOWN)
def _hashed(words: str, code: int | str | None, http_status: int | None) -> str:
    text = f"{words}\n{code}\n{http_status}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
