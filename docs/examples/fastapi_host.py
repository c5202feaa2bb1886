"""A host on FastAPI: takes webhooks, sends expenses, follows syncs, tells of breaks.

uvicorn fastapi_host:app
"""

import asyncio
import atexit
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any
from uuid import UUID

import office
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from reconcile import AsgiApp, ReconcileError, WebhookEndpoint


@cache
def webhooks() -> AsgiApp:
    """Return this process's own, made by its first delivery."""
    endpoint = WebhookEndpoint(office.STORE, trust=office.trust())
    atexit.register(endpoint.close)
    return AsgiApp(endpoint, path="/codat")


async def hooks(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand on what comes: where this app is mounted, no lifespan of it runs."""
    await webhooks()(scope, receive, send)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Follow syncs for as long as this process serves."""
    with office.opened() as (books, client):
        follower = books.follower(client, holder=office.holder())
        following = asyncio.create_task(follower.run_async())
        try:
            yield {"following": following}
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


app = FastAPI(lifespan=lifespan)
app.mount("/webhooks", hooks)


@app.post("/companies/{company_id}/expenses", status_code=202)
def send_expense(company_id: UUID, expense: dict[str, Any]) -> dict[str, str]:
    return {"sync_id": office.send(company_id, expense, actor="back office")}


@app.get("/companies/{company_id}/expenses/{expense_id}")
def what_became_of(company_id: UUID, expense_id: UUID) -> dict[str, Any]:
    found = office.expense_of(company_id, expense_id)
    if found is None:
        raise HTTPException(404, "No such expense was sent.")
    return found


@app.get("/companies/{company_id}/breaks")
def breaks(company_id: UUID) -> list[dict[str, Any]]:
    return office.breaks_of(company_id)


@app.exception_handler(ReconcileError)
def failed(_: Request, error: Exception) -> Response:
    return JSONResponse({"detail": str(error)}, office.status_of(error))


@app.get("/healthz")
def health(request: Request) -> Response:
    """Answer 503 once the follower has ended, so that a monitor restarts this."""
    following = getattr(request.state, "following", None)  # None: mounted elsewhere
    ended = following is not None and following.done()
    return Response(status_code=503 if ended else 204)
