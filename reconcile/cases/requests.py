"""Abandoning a request: a person decides that nothing came of it."""

from collections.abc import Callable
from datetime import datetime

from reconcile.cases.deciding import check_person
from reconcile.domain.events import SyncAbandoned
from reconcile.domain.identity import canonical_id, stream_name
from reconcile.domain.instants import format_instant
from reconcile.domain.request import UNDER_WAY, Asked, RequestState
from reconcile.errors import UsageError
from reconcile.history import History
from reconcile.readmodels.requests import request_ledger
from reconcile.storage.ports import VersionConflictError


def abandon(
    history: History,
    company_id: str,
    request_id: str,
    *,
    actor: str,
    reason: str,
    now: Callable[[], datetime],
) -> None:
    """Decide that nothing came of a request in doubt.

    Nothing is sent. What the request names may be sent again; whatever Codat says of it
    later is judged as ever.

    Raises:
        UsageError: the request is not known, is not in doubt, may be under way, or has
            moved on meanwhile; or a name is blank.

    """
    check_person("abandon", actor=actor, reason=reason)
    company_id = canonical_id(company_id)
    state, asked = _in_doubt(history, company_id, request_id)
    decided_at = now()
    if decided_at < (over := asked.at + UNDER_WAY):
        raise UsageError(
            f"request {state.request_id} may be under way:"
            f" it can be abandoned from {format_instant(over)} on"
        )
    event = SyncAbandoned(
        operation=asked.operation,
        dataset_ids=asked.dataset_ids,
        transactions=asked.transactions,
        actor=actor,
        reason=reason,
        at=decided_at,
    )
    stream = stream_name("request", company_id, state.request_id)
    try:
        history.append_one(stream, event, now=decided_at, after=state.version)
    except VersionConflictError as error:
        raise UsageError(
            f"request {state.request_id} has moved on meanwhile: look again"
        ) from error


def _in_doubt(
    history: History, company_id: str, request_id: str
) -> tuple[RequestState, Asked]:
    """Return a request in doubt, with what it asked for."""
    for state in request_ledger(history.store, company_id).states:
        if state.request_id not in (request_id, canonical_id(request_id)):
            continue
        if state.asked is None or not state.in_doubt:
            raise UsageError(f"request {state.request_id} is not in doubt")
        return state, state.asked
    raise UsageError(f"company {company_id!r} has no request {request_id!r}")
