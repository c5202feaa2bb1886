"""A sandbox's webhooks without its engine, and somebody who listens to them."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from reconcile.codat.deliveries import delivery_id, is_delivery, read_delivery
from reconcile.codat.exchange import Exchange
from reconcile.domain.observations import WebhookNotice
from reconcile.sandbox import Company, Response
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.deliveries import Delivery, Generation
from reconcile.sandbox.webhooks import Webhooks
from reconcile.sandbox.world import Sync, SyncedRow, Transaction
from tests.sandbox.calls import COMPANY

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - Codat's own example
DONE = SyncedRow(transaction_id="t1", leg="expense", status="Completed")
SYNC = "3bead2a1-1b3d-4d90-8077-cddc5ca68b01"


class Listener:
    """Keeps what it is sent; answers as told, and from then on as told last."""

    def __init__(self, *answers: int | Response) -> None:
        self.heard: list[Delivery] = []
        self._answers: Iterator[int | Response] = iter(answers)
        self._last: int | Response = 204

    def __call__(self, delivery: Delivery) -> int | Response:
        self.heard.append(delivery)
        self._last = next(self._answers, self._last)
        return self._last

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(item.body) for item in self.heard]

    @property
    def seconds(self) -> list[float]:
        """Return when it heard, in seconds after nine."""
        return [(item.at - NINE).total_seconds() for item in self.heard]


@attrs.frozen
class Bench:
    """Webhooks on a clock of their own, with one company."""

    hooks: Webhooks
    clock: Clock
    company: Company

    def start(self) -> None:
        self.hooks.notify("started", self.company, sync_of(code=1000))

    def fail(self, *rows: SyncedRow, code: int = 5130) -> None:
        self.hooks.notify("failed", self.company, sync_of(*rows, code=code))

    def complete(self, *rows: SyncedRow) -> None:
        self.hooks.notify("completed", self.company, sync_of(*rows, code=2000))

    def wait(self, **span: float) -> None:
        self.clock.advance(self.clock.now + timedelta(**span))


def bench(**given: Any) -> Bench:
    """Return webhooks that were told nothing yet; `given` is for them."""
    clock = Clock(NINE)
    hooks = Webhooks(clock=clock, chance=Chance(7), **given)
    company = Company(company_id=COMPANY, name="Toft stores", created_at=NINE)
    return Bench(hooks, clock, company)


def heard_by(
    *answers: int | Response, generation: Generation = "current", **given: Any
) -> tuple[Bench, Listener, str]:
    """Return webhooks that told of one sync to a listener, and the listener's id."""
    kit, listener = bench(**given), Listener(*answers)
    consumer = kit.hooks.subscribe_callable(listener, generation=generation)
    kit.complete(DONE)
    kit.wait(days=2)
    return kit, listener, consumer


def sync_of(*rows: SyncedRow, code: int) -> Sync:
    sent: Iterable[str] = dict.fromkeys(row.transaction_id for row in rows)
    return Sync(
        sync_id=SYNC,
        company_id=COMPANY,
        origin="create",
        transactions=tuple(
            Transaction(transaction_id=item, kind="expense", given={}) for item in sent
        ),
        requested_at=NINE,
        code=code,
        rows=list(rows),
    )


def exchange(delivery: Delivery) -> Exchange:
    """Return a delivery as the library captures it."""
    return Exchange(
        method=delivery.method,
        url=delivery.url or "https://backoffice.example/hooks",
        request_headers=delivery.headers,
        request_body=delivery.body,
        status=204,
        observed_at=delivery.at,
    )


def notice(delivery: Delivery) -> WebhookNotice:
    """Return what the library reads in a delivery."""
    captured = exchange(delivery)
    assert is_delivery(captured)
    (seen,) = read_delivery(
        delivery.body,
        delivery="ab" * 32,
        header_id=delivery_id(captured),
        body_digest="cd" * 32,
        observed_at=captured.observed_at,
    )
    return seen
