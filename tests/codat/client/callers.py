"""Whoever asks Codat in each way there is, with a deadline: and how that ended."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import attrs
import httpx
import pytest

from reconcile.codat import requests
from reconcile.codat.client.clients import AsyncCodatClient, CodatClient
from reconcile.codat.client.rerequests import Rerequests
from reconcile.codat.exchange import Exchange
from reconcile.codat.requests import Request
from reconcile.errors import CodatUnavailable
from tests.codat.client.clients import KEY
from tests.codat.client.malicious import LIMIT
from tests.sandbox.calls import COMPANY, expense

READ: Final = requests.statuses(COMPANY)
EXPENSE: Final = expense("4d7c6929-7770-412b-91bb-44d3bc71d111")
WRITE: Final = requests.create_expenses(COMPANY, [{"id": "t1"}])
DEADLINE_S: Final = 0.7
SLACK_S: Final = 1.5  # of a machine with more to do
STEP: Final = httpx.Timeout(20.0)  # so what ends a call is its deadline
ONCE: Final = Rerequests(attempts_max=1)
LATE: Final = "no whole answer arrived in 0.7 s"


@attrs.frozen
class Ended:
    """How a call ended, and what was recorded of it."""

    seconds: float
    recorded: list[int]
    body: bytes = b""
    error: CodatUnavailable | None = None


def settings(url: str, recorded: list[Exchange], **more: Any) -> dict[str, Any]:
    return {
        "api_keys": KEY,
        "record": recorded.append,
        "base_url": url,
        "timeout": STEP,
        "deadline_s": DEADLINE_S,
        "rerequests": ONCE,
        "answer_bytes_max": LIMIT,
        **more,
    }


def by_our_own(request: Request, **given: Any) -> bytes:
    with CodatClient.connected(**given) as codat:
        return codat.ask(request).body


def by_a_hosts(request: Request, **given: Any) -> bytes:
    with httpx.Client(timeout=None) as http:  # noqa: S113 - a careless host
        return CodatClient(http, **given).ask(request).body


def in_a_loop(request: Request, **given: Any) -> bytes:
    async def ask() -> bytes:
        async with AsyncCodatClient.connected(**given) as codat:
            return (await codat.ask(request)).body

    return asyncio.run(ask())


WAYS: Final = (by_our_own, by_a_hosts, in_a_loop)
EACH_WAY: Final = pytest.mark.parametrize("ask", WAYS)
Ask = Callable[..., bytes]


def call_ended(ask: Ask, request: Request, url: str, **more: Any) -> Ended:
    recorded: list[Exchange] = []
    began = time.monotonic()
    body, caught = b"", None
    try:
        body = ask(request, **settings(url, recorded, **more))
    except CodatUnavailable as error:
        caught = error
    seconds = time.monotonic() - began
    return Ended(seconds, [each.status for each in recorded], body, caught)
