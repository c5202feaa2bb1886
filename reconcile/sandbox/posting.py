"""What accounting software says to one leg: written, refused, or nothing in time."""

import enum
from typing import NamedTuple

from reconcile.sandbox.chance import Chance
from reconcile.sandbox.world import BANK_LEG, Company, Transaction


class Trouble(enum.StrEnum):
    """What can go wrong by chance between Codat and the accounting software."""

    BROKEN = "downstream 5xx"
    TIMED_OUT = "timed out, nothing written"
    TIMED_OUT_WRITTEN = "timed out, and written all the same"


class Posting(NamedTuple):
    """A leg's word and message; `writes` is True where the books hold it now.

    `settles` is True where the word is not the last: the write timed out.
    """

    word: str
    message: str | None
    writes: bool
    settles: bool = False


def invalid(transaction: Transaction, *, written: bool) -> str | None:
    """Return why Codat's own validation refuses a transaction, None where it passes."""
    if transaction.update and not written:
        return "The transaction to update does not exist."
    total = sum(_amount(line) for line in transaction.given.get("lines", ()))
    if transaction.kind in ("expense", "reimbursable") and total < 0:
        return (
            "Validation failed: the transaction total must not be negative:"
            f" {total:.2f}."
        )
    return None


def post(
    company: Company,
    transaction: Transaction,
    leg: str,
    *,
    trouble: Trouble | None,
    chance: Chance,
    timed_out: str,
) -> Posting:
    """Return what becomes of one leg, by the ledger's state and by chance."""
    refusal = _refusal(company, transaction, leg)
    if refusal is not None:
        return Posting("PushError", downstream(refusal, chance), False)
    if trouble is Trouble.BROKEN:
        text = "Service unavailable(503): The service is temporarily unavailable."
        return Posting("PushError", downstream(text, chance), False)
    if trouble is not None:
        text = "The request timed out; whether it was carried out is not known."
        wrote = trouble is Trouble.TIMED_OUT_WRITTEN
        return Posting(timed_out, downstream(text, chance), wrote, settles=True)
    return Posting("Completed", None, True)


def _refusal(company: Company, transaction: Transaction, leg: str) -> str | None:
    ledger = company.ledger
    if leg == BANK_LEG:
        if not ledger.bank_feed_taken:
            return None
        return (
            "Feed Connection failed(409): The AccountToken, AccountId or AccountNumber"
            f" is already connected to another {ledger.platform} Bank Account in the"
            f" selected {ledger.platform} Organization."
        )
    issued = transaction.issued
    if issued and ledger.closed_until and issued <= ledger.closed_until:
        return (
            "Bad request(400): The document date cannot be before the end of the"
            f" locked period, {ledger.closed_until}."
        )
    deleted = sorted(transaction.accounts & ledger.deleted_accounts)
    if deleted:
        return f"Bad request(400): Account {deleted[0]} is archived or was deleted."
    currency = transaction.currency
    if currency and currency != ledger.base_currency and not ledger.multi_currency:
        return (
            f"Bad request(400): The currency {currency} does not match the"
            f" organisation's, {ledger.base_currency}."
        )
    return None


def downstream(text: str, chance: Chance) -> str:
    """Return a text in the form in which Codat passes on what its side was told.

    Source: Codat docs, Syncing expenses (the page's failed samples): two spaces.
    """
    return (
        "An error occurred in a downstream service. Correlation ID:"
        f" {chance.uuid('correlation')}. Message:  {text}"
    )


def _amount(line: object) -> float:
    given = line.get("netAmount", 0) if isinstance(line, dict) else 0
    return float(given) if isinstance(given, int | float) else 0.0
