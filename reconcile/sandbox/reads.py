"""The calls that ask what became of a sync: statuses, pages of rows. Both dialects."""

from typing import Any

from reconcile.sandbox.messages import Call, Response, answer
from reconcile.sandbox.refusals import RefusedError
from reconcile.sandbox.state import State, instant
from reconcile.sandbox.world import EXPENSE_LEG, Sync, SyncedRow

PAGE_SIZE = 100
PAGE_SIZE_MAX = 5000
_INT32_MAX = 2**31 - 1


def status(state: State, _: Call, company: str, sync: str) -> Response:
    """Return one sync's status."""
    run = state.sync(company, sync)[1]
    return answer(200, _status(state, run))


def latest(state: State, _: Call, company: str) -> Response:
    """Return the status of the sync requested last."""
    return _one(state, [*state.company(company).syncs.values()])


def last_successful(state: State, _: Call, company: str) -> Response:
    """Return the status of the last sync that ended well."""
    syncs = state.company(company).syncs.values()
    return _one(state, [run for run in syncs if run.code in (2000, 2040)])


def every(state: State, _: Call, company: str) -> Response:
    """Return the status of every sync, the newest first; not paged."""
    syncs = [*state.company(company).syncs.values()]
    return answer(200, [_status(state, run) for run in reversed(syncs)])


def _one(state: State, syncs: list[Sync]) -> Response:
    if not syncs:
        raise RefusedError(state.settings.no_sync_yet, "No sync was found.")
    return answer(200, _status(state, syncs[-1]))


def _status(state: State, run: Sync) -> dict[str, Any]:
    code, status = state.faults.code(run) if run.ended_at else (run.code, run.status)
    moment = run.ended_at or run.started_at or run.requested_at
    return {
        "companyId": run.company_id,
        "syncId": run.sync_id,
        "syncStatusCode": code,
        "syncStatus": status,
        "errorMessage": run.error,
        "syncExceptionMessage": run.exception,
        "syncUtc": instant(moment),
        "dataPushed": run.pushed,
    }


def transactions(state: State, call: Call, company: str, sync: str) -> Response:
    """Return one page of a sync's rows.

    The links lack `/sync/expenses`, as they do on the page.
    """
    _, run = state.sync(company, sync)
    page = _count(call, "page", 1, None)
    size = _count(call, "pageSize", PAGE_SIZE, PAGE_SIZE_MAX)
    rows = state.faults.rows(run)
    base = f"/companies/{company}/syncs/{sync}/transactions"
    links = {
        "current": {"href": f"{base}?page={page}&pageSize={size}"},
        "self": {"href": base},
    }
    if page * size < len(rows):
        links["next"] = {"href": f"{base}?page={page + 1}&pageSize={size}"}
    if page > 1:
        links["previous"] = {"href": f"{base}?page={page - 1}&pageSize={size}"}
    data = {
        "results": [
            _row(state, run, row) for row in rows[(page - 1) * size : page * size]
        ],
        "pageNumber": page,
        "pageSize": size,
        "totalResults": len(rows),
        state.settings.links: links,
    }
    return answer(200, data)


def transaction(
    state: State, _call: Call, company: str, sync: str, transaction: str
) -> Response:
    """Return one transaction's rows, a bare array."""
    _, run = state.sync(company, sync)
    rows = [r for r in run.rows if r.transaction_id == transaction]
    if not rows:
        raise RefusedError(404, f"Transaction {transaction} was not found.")
    return answer(200, [_row(state, run, row) for row in rows])


def _row(state: State, run: Sync, row: SyncedRow) -> dict[str, Any]:
    expense = state.settings.integration_type
    data: dict[str, Any] = {
        "transactionId": row.transaction_id,
        "status": state.faults.word(run, row),
    }
    if row.message is not None:
        data["message"] = row.message
    data["integrationType"] = expense if row.leg == EXPENSE_LEG else row.leg
    return data


def _count(call: Call, name: str, default: int, most: int | None) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:11]) <= _INT32_MAX):
        raise RefusedError(400, f"{name} must be a whole number from 1.")
    if most is not None and int(text) > most:
        raise RefusedError(400, f"{name} must be at most {most}.")
    return int(text)
