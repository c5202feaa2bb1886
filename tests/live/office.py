"""A back office that talks to a sandbox through the client, and may lose answers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import attrs
import httpx

from reconcile import Exchange, Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.live.dispatch import Dispatch
from reconcile.live.follow import Follower
from reconcile.report.wire import to_data
from reconcile.sandbox import Sandbox
from reconcile.sandbox.deliveries import Delivery
from tests.engines import url_at
from tests.sandbox.calls import COMPANY, expense

__all__ = ["COMPANY", "Line", "Office", "expense", "office_with"]


class Line(httpx.BaseTransport):
    """A line to the sandbox that loses what it is told to lose."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._to = sandbox.transport()
        self.lose_answers = 0  # of so many writes
        self.lose_requests = 0  # so many writes, before they arrive
        self.unplugged = False
        self.lists = True  # what a company's syncs are, not none
        self.asked: list[str] = []
        self.writes = 0
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.unplugged:
            raise httpx.ConnectError("no route to host", request=request)
        self.asked.append(str(request.url))
        instead = self.instead(request)
        if instead is not None:
            return instead
        if not self.lists and request.url.path.endswith("/list/status"):
            return httpx.Response(200, json=[], request=request)
        if request.method != "GET" and self.lose_requests:
            self.lose_requests -= 1
            raise httpx.ReadError("gone", request=request)
        response = self._to.handle_request(request)
        if request.method != "GET":
            self.writes += 1
            if self.lose_answers:
                self.lose_answers -= 1
                raise httpx.ReadTimeout("no answer", request=request)
        return response


@attrs.frozen(kw_only=True)
class Office:
    """The library on a store, with a client whose line may fail."""

    sandbox: Sandbox
    line: Line
    books: Reconciler
    client: CodatClient

    @property
    def dispatch(self) -> Dispatch:
        """Return what sends, by Codat's own policy."""
        return self.books.dispatch(self.client.ask, actor="tests")

    def read(self) -> None:
        """Read every sync Codat lists, and its pages."""
        for item in self.client.statuses(COMPANY).data():
            self.client.sync_status(COMPANY, item["syncId"])
            list(self.client.transaction_pages(COMPANY, item["syncId"]))

    def states(self) -> dict[str, tuple[str, str | None]]:
        """Return state and kind of every expense."""
        result = to_data(self.books.report())
        return {
            item["transaction_id"]: (item["state"], item["kind"])
            for item in result["items"]
        }

    def heard(self, delivery: Delivery) -> int:
        """Record a webhook."""
        self.books.record(
            Exchange(
                method="POST",
                url="https://office.example/webhooks/codat",
                request_headers=delivery.headers,
                request_body=delivery.body,
                status=204,
                observed_at=self.sandbox.now,
            )
        )
        return 204

    def wait(self, **span: float) -> None:
        """Let time pass."""
        self.sandbox.advance(timedelta(**span))


@contextmanager
def office_with(sandbox: Sandbox, folder: Path) -> Iterator[Office]:
    """Give an office on a store in a folder."""
    line = Line(sandbox)
    store = url_at(folder / "books.db")
    with (
        Reconciler.open(store, now=lambda: sandbox.now) as books,
        httpx.Client(transport=line) as http,
    ):
        client = CodatClient(
            http,
            sleep=lambda seconds: sandbox.advance(timedelta(seconds=seconds)),
            api_keys="key",
            record=books.record,
            now=lambda: sandbox.now,
            chance=lambda: 0.5,
        )
        yield Office(sandbox=sandbox, line=line, books=books, client=client)


def follow(office: Office, follower: Follower, *, hours: float) -> None:
    """Let a follower work for so long, going on from one thing due to the next."""
    end = office.sandbox.now + timedelta(hours=hours)
    while office.sandbox.now < end:
        due = follower.step()
        ahead = min(due, end) if due is not None else end
        office.sandbox.advance(max(ahead - office.sandbox.now, timedelta(seconds=1)))


def reads(office: Office) -> int:
    """Return how many reads the sandbox answered: its quota counts them."""
    return office.client.quota.figures(office.sandbox.now).used


def wait_for(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.01)
