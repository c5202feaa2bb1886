"""The calls that have Codat write: datasets and syncs, creates, updates, files."""

from email import message_from_bytes
from typing import Any

from reconcile.sandbox.messages import Call, Response, answer
from reconcile.sandbox.refusals import RefusedError, invalid
from reconcile.sandbox.requests import created, refuse_misshaped, updated
from reconcile.sandbox.shapes import PostSync
from reconcile.sandbox.state import State
from reconcile.sandbox.world import Company, Kind, Transaction


def push_dataset(state: State, call: Call, company: str) -> Response:
    """Keep a dataset (v1)."""
    known = state.company(company)
    transactions = created(call, "expense", v1=True)
    _refuse_processed(state, known, transactions)
    dataset_id = state.chance.uuid("dataset")
    known.datasets[dataset_id] = transactions
    return answer(200, {"datasetId": dataset_id})


def start_sync(state: State, call: Call, company: str) -> Response:
    """Start a sync of datasets (v1); unless strict, one that nobody pushed is empty."""
    known = state.company(company)
    data = call.json()
    refuse_misshaped(data, PostSync)
    names = data["datasetIds"]
    unknown = [name for name in names if name not in known.datasets]
    if unknown and state.settings.strict:
        raise invalid(("DatasetIds", f"Dataset {unknown[0]} was not found."))
    _refuse_unlinked(known)
    _refuse_second(state, known)
    together: dict[str, Transaction] = {}
    for name in names:
        together |= {t.transaction_id: t for t in known.datasets.get(name, ())}
    sync = state.engine.submit(known, together.values(), "datasets")
    return answer(202, {"syncId": sync.sync_id})


def create(state: State, call: Call, company: str, kind: Kind) -> Response:
    """Create transactions, which syncs them at once (current)."""
    known = state.company(company)
    transactions = created(call, kind, v1=False)
    _refuse_unlinked(known)
    _refuse_processed(state, known, transactions)
    _refuse_second(state, known)
    sync = state.engine.submit(known, transactions, "create")
    return answer(200, {"syncId": sync.sync_id})


def update(
    state: State, call: Call, company: str, transaction: str, kind: Kind
) -> Response:
    """Update a transaction under a sync of its own; a transfer may be new."""
    known = state.company(company)
    creates = kind == "transfer" and transaction not in known.processed
    sent = updated(call, kind, transaction, creates=creates)
    _refuse_unlinked(known)
    _refuse_second(state, known)
    sync = state.engine.submit(known, [sent], "create" if creates else "update")
    return answer(202 if kind == "expense" else 200, {"syncId": sync.sync_id})


def attach(
    state: State, call: Call, company: str, sync: str, transaction: str
) -> Response:
    """Keep a file with a transaction that was synced."""
    known, run = state.sync(company, sync)
    rows = [row for row in run.rows if row.transaction_id == transaction]
    if not any(row.status == "Completed" for row in rows):
        raise RefusedError(404, f"Transaction {transaction} was not synced.")
    name = _file_name(call)
    if name is None:
        raise invalid(("file", "A file is required, as multipart/form-data."))
    attachment_id = state.chance.uuid("attachment")
    known.attachments.append((transaction, attachment_id, name))
    data = {"companyId": company, "id": attachment_id, "transactionId": transaction}
    return answer(200, data)


def _file_name(call: Call) -> str | None:
    kind = call.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return None
    form: Any = message_from_bytes(
        b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + call.body
    )
    names = [part.get_filename() for part in form.walk() if part.get_filename()]
    return names[0] if names else None


def _refuse_unlinked(company: Company) -> None:
    """Source: Codat's v1 OpenAPI file of 2023, 422 of `POST …/syncs`."""
    if not company.connections:
        raise RefusedError(
            422,
            "The specified company does not have a valid set of DataConnections setup.",
        )


def _refuse_second(state: State, company: Company) -> None:
    """Refuse a sync while one runs, as it was until 2023-09; no status is published."""
    if state.settings.second_sync == "refused" and company.running is not None:
        raise RefusedError(
            409, "A sync is already in progress for this company; try again later."
        )


def _refuse_processed(
    state: State, company: Company, transactions: tuple[Transaction, ...]
) -> None:
    """Refuse what is known to be written, where protection answers the call itself."""
    if state.settings.duplicates == "call":
        again = sorted({t.transaction_id for t in transactions} & company.processed)
        if again:
            raise RefusedError(
                400,
                "One or more transactions have previously been processed: "
                + ", ".join(again),
            )
