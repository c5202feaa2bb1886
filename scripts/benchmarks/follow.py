"""Following: so many syncs of 100 legs, read to their end, and what that took of Codat.

    scripts/bench follow [SYNCS]

The sandbox and the follower share a process and a clock, so that hours pass in minutes;
what is measured is requests and quota. Webhooks are all lost: the follower is alone.
"""

import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx

from reconcile import Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.sandbox import Sandbox

SYNCS = 10_000
PER_COMPANY = 50  # syncs
ITEMS = 50  # of two legs each


class Counted(httpx.BaseTransport):
    """A line to the sandbox that counts what goes through it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._to = sandbox.transport()
        self.asked: Counter[str] = Counter()
        self.refused = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._to.handle_request(request)
        kind = request.url.path.rsplit("/", 1)[-1]
        listed = "/list/" in request.url.path
        self.asked["list" if listed else kind] += 1
        self.refused += response.status_code == 429
        return response


def main() -> None:
    """Begin the syncs, follow them, print what it took."""
    syncs = int(sys.argv[1]) if len(sys.argv) > 1 else SYNCS
    sandbox = Sandbox()
    line = Counted(sandbox)
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(
            f"sqlite:///{Path(folder) / 'books.db'}", now=lambda: sandbox.now
        ) as books,
        httpx.Client(transport=line) as http,
    ):
        client = CodatClient(
            http,
            api_keys="key",
            record=books.record,
            now=lambda: sandbox.now,
            sleep=lambda seconds: sandbox.advance(timedelta(seconds=seconds)),
        )
        begin(client, sandbox, syncs)
        written = sum(line.asked.values())
        line.asked.clear()
        started, from_ = time.perf_counter(), sandbox.now
        follower = books.follower(client, holder="bench")
        while (due := follower.step()) is not None:
            if all(item.work != "sync" for item in follower.plan()):
                break
            sandbox.advance(max(due - sandbox.now, timedelta(seconds=1)))
        took = time.perf_counter() - started
        print_result(line, syncs, written, took, sandbox.now - from_)
        print(f"  all {books.report().totals.matched:,} expenses are matched")


def begin(client: CodatClient, sandbox: Sandbox, syncs: int) -> None:
    """Create so many syncs, 50 in a company."""
    line = {"netAmount": 10, "taxAmount": 0, "accountRef": {"id": "account-1"}}
    for number in range(syncs):
        if number % PER_COMPANY == 0:
            company = sandbox.company().company_id
        items = [
            {
                "id": sandbox.chance.uuid("bench"),
                "type": "Payment",
                "issueDate": "2026-01-04",
                "currency": "GBP",
                "lines": [line],
            }
            for _ in range(ITEMS)
        ]
        client.create_expenses(company, items)


def print_result(
    line: Counted, syncs: int, written: int, took: float, passed: timedelta
) -> None:
    """Print what it took."""
    reads = sum(line.asked.values())
    print(f"{syncs:,} syncs of {2 * ITEMS} legs, begun by {written:,} calls")
    for kind, number in sorted(line.asked.items()):
        print(f"  {kind:<14} {number:>8,}   {number / syncs:6.2f} a sync")
    print(f"  {'reads in all':<14} {reads:>8,}   {reads / syncs:6.2f} a sync")
    print(f"  {line.refused} refused for the quota; {passed} of Codat's time")
    print(f"  {took:.0f} s here, {syncs / took:.0f} syncs/s")


if __name__ == "__main__":
    main()
