"""What each expense of one call said: type, amount, date, and to whom."""

from collections.abc import Iterable
from datetime import datetime

from reconcile.domain.money import amount_of, currency_of, day_of
from reconcile.domain.observations import ExpectedTransaction
from reconcile.judgement.facts import Content, Sending, SentContent


def sent_contents(
    transactions: Iterable[ExpectedTransaction],
    at: datetime,
    operation: str = "push",
    *,
    sync_id: str | None = None,
    dataset_id: str | None = None,
    request_id: str | None = None,
) -> list[tuple[str, SentContent]]:
    """Return what each expense said, cleaned of what is no amount, currency or date.

    What says no type and is sent by a "put" is a transfer: nothing else is.
    """
    sending = Sending(sync_id, dataset_id, request_id, at)
    untyped = "Transfer" if operation == "put" else None
    return [
        (
            named.transaction_id,
            SentContent(
                sending,
                Content(
                    named.kind or untyped,
                    amount_of(named.amount),
                    currency_of(named.currency),
                    day_of(named.issue_date),
                    named.merchant,
                    named.reference,
                    named.digest,
                ),
            ),
        )
        for named in transactions
    ]
