"""Canonical ids and stream names, so that one thing has one name everywhere."""

import hashlib
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, unquote

from reconcile.errors import HistoryError

_CANONICAL: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
).fullmatch
_UUID: Final = re.compile(
    r"(?:urn:uuid:)?\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?"
    r"([0-9a-f]{12})\}?",
    re.ASCII | re.IGNORECASE,
).fullmatch


def canonical_id(text: str) -> str:
    """Return `text` in lower case with dashes where it is a UUID, else as it is.

    What is too long to be a key in every store is its beginning and its SHA-256.
    """
    if _CANONICAL(text):
        return text
    found = _UUID(text)
    if found:
        return "-".join(found.groups()).lower()
    return text if len(text) <= _SHORT else _bounded(text)


def _bounded(text: str) -> str:
    if len(quote(text, safe="", errors="surrogatepass")) <= QUOTED_MAX:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:_BEGINNING]}…{digest}"


QUOTED_MAX: Final = 600
"""How long an id may be in a stream's name. Two of them are a key of an index, of which
PostgreSQL takes 2,700 bytes."""
_SHORT: Final = QUOTED_MAX // 12  # four bytes of three characters each
_BEGINNING: Final = 32


def all_canonical(ids: Sequence[str]) -> bool:
    """Return whether every one is a UUID in canonical form; quick over many.

    Asked of each page of rows: one pass over the joined text instead of a hundred.
    """
    joined = "\n".join(ids)
    return (
        len(joined) == 37 * len(ids) - 1
        and joined.isascii()
        and not joined.encode().translate(None, _LETTERS)
        and all(joined[place::37] == "-" * len(ids) for place in _DASHES)
        and joined.count("-") == 4 * len(ids)
        and joined[36::37] == "\n" * (len(ids) - 1)
        and joined.count("\n") == len(ids) - 1
    )


_LETTERS: Final = b"0123456789abcdef-\n"
_DASHES: Final = (8, 13, 18, 23)


KINDS: Final = ("case", "dataset", "plan", "read", "request", "sync")
"""The kinds of streams there are, sorted: what is not here is not replayed."""


def stream_name(kind: str, company_id: str, name: str) -> str:
    """Return the stream's id: `kind:company:name`, with colons in the parts quoted.

    Raises:
        HistoryError: no stream is of that kind.

    """
    if kind not in KINDS:
        raise HistoryError(
            f"{kind!r} is not a kind of stream, expected one of {', '.join(KINDS)}"
        )
    return f"{kind}:{quote(company_id, safe='')}:{quote(name, safe='')}"


def stream_parts(stream: str) -> tuple[str, str, str]:
    """Return kind, company id and name of a stream."""
    kind, company_id, name = stream.split(":")
    return kind, unquote(company_id), unquote(name)


def case_of_expense(company_id: str, transaction_id: str) -> str:
    """Return the stream of what people decide of one expense."""
    return stream_name("case", company_id, f"expense {transaction_id}")


def case_of_cause(company_id: str, fingerprint: str) -> str:
    """Return the stream of what people decide of one cause in a company."""
    return stream_name("case", company_id, f"cause {fingerprint}")
