"""Duplicate claims: what Codat says where an expense was processed before."""

import re
from typing import Final

_CLAIM: Final = re.compile(r"previously\s+been\s+processed", re.IGNORECASE)


def claims_processed(message: str | None) -> bool:
    """Return whether Codat's duplicate protection speaks in the message.

    Source: Codat docs, Sync for Expenses FAQ: "One or more transactions have
    previously been processed: {Transaction Id}".
    """
    if message is None or "processed" not in message.lower():
        return False  # asked of every message: the search is for the few that may
    return _CLAIM.search(message) is not None


def claims_duplicate(message: str | None, transaction_id: str) -> bool:
    """Return whether the message says so of this very transaction."""
    return (
        message is not None
        and claims_processed(message)
        and _names(message, transaction_id)
    )


def _names(message: str, transaction_id: str) -> bool:
    """Return whether the id stands in the message as a whole word, in any case."""
    pattern = rf"(?<![0-9A-Za-z-]){re.escape(transaction_id)}(?![0-9A-Za-z-])"
    return re.search(pattern, message, re.IGNORECASE) is not None


def claimed_in(message: str | None) -> tuple[str, ...]:
    """Return the ids that a duplicate claim names, sorted."""
    if not claims_processed(message):
        return ()
    found = _CLAIMED.search(message or "")
    if found is None:
        return ()
    names = re.split(r"[\s,;]+", found[1])
    return tuple(sorted({name.strip(".'\"{}()[]").lower() for name in names} - {""}))


# Source: Codat docs, Sync for Expenses FAQ, on duplicate protection.
_CLAIMED: Final = re.compile(
    r"previously\s+been\s+processed\s*:\s*(\S[^\n]{0,4000})", re.IGNORECASE
)
