"""Companies beside troubled ones: known as soon as without them, for as many requests.

A working day of a few companies, lived twice with the same seed: once alone, and once
beside a company whose reads Codat always refuses, one that is deleted, and with a clock
that jumps ahead once. Two followers share the work each time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import attrs
import httpx

from reconcile import Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.quota import Quota
from reconcile.codat.requests import create_expenses
from reconcile.live.follow import Follower
from reconcile.sandbox import Sandbox, Settings
from tests.engines import url_at
from tests.sandbox.calls import expense

REFUSING: Final = "aaaaaaaa-0000-4000-8000-000000000001"
DELETED: Final = "aaaaaaaa-0000-4000-8000-000000000002"
LOOK_EVERY: Final = timedelta(minutes=1)
DAY: Final = timedelta(hours=10)
JUMP: Final = timedelta(days=300)


@attrs.frozen(kw_only=True)
class Day:
    """What a day was like for those without trouble."""

    lags: dict[str, timedelta]  # from sending to knowing, by expense
    requests: int  # about their companies
    unknown: int  # of their expenses, at its end


@attrs.define
class _Wire(httpx.BaseTransport):
    """The way to the sandbox: counts, and refuses what is to be refused."""

    sandbox: Sandbox
    refusal: httpx.Response | None
    asked: list[str] = attrs.field(factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if request.method == "GET" and REFUSING in request.url.path and self.refusal:
            return httpx.Response(
                self.refusal.status_code,
                headers=self.refusal.headers,
                json={"error": "no"},
            )
        return self.sandbox.transport().handle_request(request)


def live_through(folder: Path, seed: int, *, trouble: bool) -> Day:
    """Live a day, beside trouble or without."""
    chance = Random(seed)
    sandbox = Sandbox(seed=seed, settings=Settings(calls_per_day=6000))
    healthy = [f"bbbbbbbb-0000-4000-8000-{n:012d}" for n in range(chance.randint(2, 5))]
    refusal = chance.choice(
        [
            httpx.Response(503, headers={"Retry-After": "3600"}),
            httpx.Response(503),
            httpx.Response(500),
            httpx.Response(404),
        ]
    )
    jumps_at = sandbox.now + timedelta(minutes=chance.randint(60, 300))
    ahead = [timedelta(0)]

    def now() -> datetime:
        return sandbox.now + ahead[0]

    wire = _Wire(sandbox, refusal if trouble else None)
    plan = sorted(
        (sandbox.now + timedelta(minutes=chance.randint(1, 500)), company, number)
        for number, company in enumerate(healthy * chance.randint(2, 6))
    )
    quota = Quota(per_day=12000)
    with httpx.Client(transport=wire) as http:
        desks = [_desk(folder / "books.db", http, quota, now) for _ in range(2)]
        dispatch = desks[0][0].dispatch(desks[0][1].ask, actor="simulator")
        if trouble:
            for company in (REFUSING, DELETED):
                dispatch.send(
                    create_expenses(company, [expense(f"{company[:-4]}9999")])
                )
            http.delete(f"https://api.codat.io/companies/{DELETED}")
        waiting: dict[str, tuple[str, datetime]] = {}
        lags: dict[str, timedelta] = {}
        end = sandbox.now + DAY
        while sandbox.now < end:
            while plan and plan[0][0] <= sandbox.now:
                _, company, number = plan.pop(0)
                name = f"00000000-0000-4000-8000-{number:012d}"
                dispatch.send(create_expenses(company, [expense(name)]))
                waiting[name] = company, sandbox.now
            if trouble and jumps_at is not None and sandbox.now >= jumps_at:
                ahead[0], jumps_at = JUMP, end
                _look(desks)
                ahead[0] = timedelta(0)
            _look(desks)
            for name, (company, since) in list(waiting.items()):
                item = desks[0][0].item(name, company_id=company)
                if item is not None and item.item.state == "matched":
                    lags[name] = sandbox.now - since
                    del waiting[name]
            sandbox.advance(LOOK_EVERY)
        for books, _, _ in desks:
            books.close()
    about = sum(any(company in path for company in healthy) for path in wire.asked)
    return Day(lags=lags, requests=about, unknown=len(waiting))


_Desk = tuple[Reconciler, CodatClient, Follower]


def _desk(
    store: Path, http: httpx.Client, quota: Quota, now: Callable[[], datetime]
) -> _Desk:
    books = Reconciler.open(url_at(store), now=now)
    client = CodatClient(
        http,
        api_keys="key",
        record=books.record,
        now=now,
        quota=quota,
        sleep=lambda _: None,
    )
    return books, client, books.follower(client, holder="simulator")


def _look(desks: list[_Desk]) -> None:
    for _, _, follower in desks:
        follower.step()


def broken_beside(folder: Path, seed: int) -> list[str]:
    """Return what a seed shows that must not be."""
    alone, beside = folder / "alone", folder / "beside"
    for each in (alone, beside):
        each.mkdir(parents=True)
    without = live_through(alone, seed, trouble=False)
    with_it = live_through(beside, seed, trouble=True)
    found = []
    if without.unknown or with_it.unknown:
        found.append(f"{without.unknown} and {with_it.unknown} expenses are not known")
    late = max(without.lags.values()) + 2 * LOOK_EVERY
    slow = {name: lag for name, lag in with_it.lags.items() if lag > late}
    if slow:
        found.append(f"beside trouble these are known late: {slow}")
    if with_it.requests > without.requests * 1.25 + 20:
        found.append(f"{with_it.requests} requests, and {without.requests} alone")
    return found
