"""The console in a FastAPI app, behind the app's own login.

uvicorn console_fastapi:app
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import finance
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

console = finance.console(lambda request: request.session.get("name"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the console at the end: what is mounted has no lifespan of its own."""
    yield
    await asyncio.to_thread(console.close)


app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def only_finance(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Let nobody see the console who is not signed in."""
    is_finance = (request.url.path + "/").startswith("/finance/")
    if is_finance and "name" not in request.session:
        return RedirectResponse("/login", 303)
    return await call_next(request)


app.add_middleware(SessionMiddleware, secret_key=os.environ["FINANCE_SECRET"])
app.mount("/finance", console)


@app.post("/login")
def login(request: Request, name: str) -> None:
    """Sign somebody in; yours asks for more than a name."""
    request.session["name"] = name
