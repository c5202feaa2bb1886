"""What every host on these pages asks of the library, whatever framework serves it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from reconcile import (
    BusyError,
    CodatClient,
    CodatUnavailable,
    InDoubtError,
    Quota,
    Reconciler,
    Rerequests,
    Trust,
    UsageError,
    create_expenses,
    item_data,
)

STORE = os.environ["RECONCILE_STORE"]
API_KEY = os.environ["CODAT_API_KEY"]
BASE_URL = os.environ.get("CODAT_BASE_URL", "https://api.codat.io")
QUOTA = Quota()  # one for all that this process asks of the account
PROMPT = Rerequests(wait_all_max_s=5)  # a user waits for the answer


def trust() -> Trust:
    """Return what shows a webhook to be Codat's: any of its secrets."""
    secrets = os.environ["RECONCILE_WEBHOOK_SECRETS"].split(",")
    return Trust(secrets=tuple(secret.strip() for secret in secrets))


@contextmanager
def opened() -> Iterator[tuple[Reconciler, CodatClient]]:
    """Yield a reconciler of the caller's own, and a client that records in it.

    A reconciler is used by one thread at a time, and opens within a few milliseconds.
    """
    with (
        Reconciler.open(STORE) as books,
        CodatClient.connected(
            api_keys=API_KEY,
            base_url=BASE_URL,
            record=books.record,
            quota=QUOTA,
            rerequests=PROMPT,
        ) as client,
    ):
        yield books, client


def send(company_id: UUID, expense: object, *, actor: str) -> str:
    """Send one expense, and return the id of its sync."""
    with opened() as (books, client):
        dispatch = books.dispatch(client.ask, actor=actor)
        answer = dispatch.send(create_expenses(str(company_id), [expense])).answer
    if not answer.accepted:
        raise UsageError(f"Codat refused it with {answer.status}")
    return answer.named("syncId")


def expense_of(company_id: UUID, expense_id: UUID) -> dict[str, Any] | None:
    """Return what became of an expense; None: none of that id was sent."""
    with Reconciler.open(STORE) as books:
        found = books.item(str(expense_id), company_id=str(company_id))
    return None if found is None else item_data(found, as_of=datetime.now(UTC))


def breaks_of(company_id: UUID) -> list[dict[str, Any]]:
    """Return what needs a person."""
    with Reconciler.open(STORE) as books:
        found = books.items(state="break", company_id=str(company_id))
        return [item_data(item, as_of=datetime.now(UTC)) for item in found]


def status_of(error: Exception) -> int:
    """Return the HTTP status that tells a caller what an error means to it."""
    match error:
        case UsageError():
            return 422  # it is wrong as it stands
        case InDoubtError() | BusyError():
            return 409  # not sent: the same is in doubt already, or a sync runs
        case CodatUnavailable(safe_to_resend=True):
            return 503  # Codat carried nothing out: send it again
        case CodatUnavailable():
            return 502  # it may have been carried out: the follower finds out
        case _:
            return 500


def holder() -> str:
    """Return the name under which this process follows syncs."""
    return f"{socket.gethostname()}:{os.getpid()}"
