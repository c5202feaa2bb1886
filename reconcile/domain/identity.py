"""Canonical ids and stream names, so that one thing has one name everywhere."""

import re
from typing import Final, NewType
from urllib.parse import quote, unquote

CompanyId = NewType("CompanyId", str)
SyncId = NewType("SyncId", str)
TransactionId = NewType("TransactionId", str)

_CANONICAL: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
).fullmatch
_UUID: Final = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?"
    r"([0-9a-f]{12})\}?",
    re.ASCII | re.IGNORECASE,
).fullmatch


def canonical_id(text: str) -> str:
    """Return `text` in lower case with dashes where it is a UUID, else unchanged."""
    if _CANONICAL(text):
        return text
    found = _UUID(text)
    return "-".join(found.groups()).lower() if found else text


def stream_name(kind: str, company_id: str, name: str) -> str:
    """Return the stream's id: `kind:company:name`, with colons in the parts quoted."""
    return f"{kind}:{quote(company_id, safe='')}:{quote(name, safe='')}"


def stream_parts(stream: str) -> tuple[str, str, str]:
    """Return kind, company id and name of a stream."""
    kind, company_id, name = stream.split(":")
    return kind, unquote(company_id), unquote(name)
