"""A host on Flask: takes webhooks, sends expenses, tells of breaks.

flask --app flask_host run

Syncs are followed by one process beside it: plain_worker.py, or `reconcile follow`.
"""

import atexit
from functools import cache
from typing import Any
from uuid import UUID

import office
from flask import Flask, Response, abort, request

from reconcile import ReconcileError, WebhookEndpoint

app = Flask(__name__)


@cache
def endpoint() -> WebhookEndpoint:
    """Return this process's own, made by its first delivery: after any fork."""
    hooks = WebhookEndpoint(office.STORE, trust=office.trust())
    atexit.register(hooks.close)
    return hooks


@app.post("/webhooks/codat")
def webhook() -> Response:
    most = endpoint().limits.body_bytes_max
    body = request.stream.read(most + 1)  # the raw bytes: they are what is signed
    answer = endpoint().receive(request.headers, body)
    return Response(answer.body, answer.status, answer.fields)


@app.post("/companies/<uuid:company_id>/expenses")
def send_expense(company_id: UUID) -> tuple[dict[str, str], int]:
    sync_id = office.send(company_id, request.get_json(), actor="back office")
    return {"sync_id": sync_id}, 202


@app.get("/companies/<uuid:company_id>/expenses/<uuid:expense_id>")
def what_became_of(company_id: UUID, expense_id: UUID) -> dict[str, Any]:
    found = office.expense_of(company_id, expense_id)
    return abort(404) if found is None else found


@app.get("/companies/<uuid:company_id>/breaks")
def breaks(company_id: UUID) -> list[dict[str, Any]]:
    return office.breaks_of(company_id)


@app.errorhandler(ReconcileError)
def failed(error: ReconcileError) -> tuple[dict[str, str], int]:
    return {"detail": str(error)}, office.status_of(error)
