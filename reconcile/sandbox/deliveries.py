"""Deliveries: a message sent again until a subscriber takes it, on the clock.

Source: Codat docs, webhooks, "Troubleshooting" and "Core rules webhooks" (legacy), read
2026-11-22.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final, Literal

import attrs

from reconcile.sandbox.clock import Clock
from reconcile.sandbox.messages import Response
from reconcile.sandbox.signatures import Headers, Names, signed

Generation = Literal["current", "interim", "legacy"]
ANSWER_S: Final = 15.0  # a later answer is none
WAITS_S: Final = (5, 300, 1800, 7200, 18_000, 36_000, 36_000)  # after each failure
OFF_AFTER: Final = timedelta(days=5)  # of nothing but failures
RULE_WAITS_S: Final = (10, 30, 60)  # three, growing to 60 s: the steps are our choice
RULE_WINDOW_S: Final = 120
RULE_STATUSES: Final = frozenset({408, 420, 429, 460, 502, 503, 504, 522, 524})
NO_ANSWER: Final = Response(status=0)


@attrs.frozen(kw_only=True)
class Delivery:
    """One request that carries a webhook; `url` is None for a callable."""

    url: str | None
    method: str = "POST"
    headers: Headers
    body: bytes
    message_id: str  # the same over attempts; of a rule, its alert's
    attempt: int  # from 1
    at: datetime
    generation: Generation
    event_type: str
    subscriber_id: str


Send = Callable[[Delivery], int | Response]
Route = Callable[[Delivery], Sequence[float]]


def straight(_: Delivery) -> Sequence[float]:
    """Return the delays of a delivery's copies where nothing goes wrong: one, none."""
    return (0.0,)


@attrs.define(kw_only=True, eq=False)
class Subscriber:
    """Who hears of what; `receive` stands in for a URL."""

    subscriber_id: str
    event_types: tuple[str, ...]
    url: str | None = None
    receive: Send | None = None
    company_id: str | None = None
    tags: tuple[str, ...] = ()  # any of them will do
    secrets: list[str] = attrs.field(factory=list, repr=False)  # the newest first
    disabled: bool = False
    failing_since: datetime | None = None  # None where the last attempt went well
    raised: Exception | None = None  # the last error of `receive`


@attrs.define(kw_only=True, eq=False)
class Message:
    """One event in the words of one generation, and how it fared with whom."""

    message_id: str
    generation: Generation
    event_type: str
    company_id: str
    body: bytes
    at: datetime
    headers: Headers = ()
    tags: frozenset[str] = frozenset()
    runs: dict[str, "Run"] = attrs.field(factory=dict)  # the latest, by subscriber


@attrs.define(kw_only=True, eq=False)
class Run:
    """One message on its way to one subscriber: all its attempts."""

    message_id: str  # that the subscriber sees
    message: Message
    subscriber: Subscriber
    began_at: datetime
    attempts: int = 0
    state: Literal["pending", "delivered", "failed"] = "pending"


@attrs.define(kw_only=True, eq=False)
class Courier:
    """Carries messages. What goes wrong on the way is `route`'s to say.

    `route` is asked once an attempt, and gives the seconds by which each copy of it is
    late: (0.0,) for one at once, (0.0, 30.0) for a double, () for one that is lost
    while Codat believes it delivered. A copy is signed when it leaves; the first to
    leave decides what Codat makes of the attempt.
    """

    clock: Clock
    send: Send  # to URLs
    route: Route = straight
    names: Names = "webhook"

    def carry(
        self, message: Message, to: Subscriber, *, message_id: str | None = None
    ) -> None:
        """Have a message delivered, beginning at this moment."""
        run = Run(
            message_id=message_id or message.message_id,
            message=message,
            subscriber=to,
            began_at=self.clock.now,
        )
        message.runs[to.subscriber_id] = run
        self.clock.after(0, partial(self._attempt, run))

    def _attempt(self, run: Run) -> None:
        if run.subscriber.disabled:
            run.state = "failed"
            return
        run.attempts += 1
        waits_s = self.route(self._delivery(run, run.attempts))
        if not waits_s:
            _take(run)
            return
        first = waits_s.index(min(waits_s))
        for place, wait_s in enumerate(waits_s):
            leave = partial(self._leave, run, run.attempts, decides=place == first)
            self.clock.after(wait_s, leave)

    def _leave(self, run: Run, attempt: int, *, decides: bool) -> None:
        if run.subscriber.disabled:
            run.state = "failed" if decides else run.state
            return
        answer = self._answer(run.subscriber, self._delivery(run, attempt))
        if decides:
            self._conclude(run, answer)

    def _delivery(self, run: Run, attempt: int) -> Delivery:
        message, to, now = run.message, run.subscriber, self.clock.now
        headers = message.headers
        if message.generation != "legacy":
            headers += signed(
                message.body,
                message_id=run.message_id,
                at=now,
                secrets=to.secrets,
                names=self.names,
            )
        return Delivery(
            url=to.url,
            headers=(("Content-Type", "application/json"), *headers),
            body=message.body,
            message_id=run.message_id,
            attempt=attempt,
            at=now,
            generation=message.generation,
            event_type=message.event_type,
            subscriber_id=to.subscriber_id,
        )

    def _answer(self, to: Subscriber, delivery: Delivery) -> Response:
        """Return what a delivery is answered with in time."""
        began = self.clock.now
        reply = (
            self.send(delivery)
            if to.receive is None
            else _call(to, to.receive, delivery)
        )
        if self.clock.now - began > timedelta(seconds=ANSWER_S):
            return NO_ANSWER
        return Response(status=reply) if isinstance(reply, int) else reply

    def _conclude(self, run: Run, answer: Response) -> None:
        if 200 <= answer.status < 300:
            _take(run)
            return
        if run.message.generation == "legacy":
            wait_s = _rule_wait_s(run, answer, now=self.clock.now)
        else:
            self._note_failure(run.subscriber)
            left = WAITS_S[run.attempts - 1 :]
            wait_s = left[0] if left else None
        if wait_s is None:
            run.state = "failed"
        else:
            self.clock.after(wait_s, partial(self._attempt, run))

    def _note_failure(self, to: Subscriber) -> None:
        to.failing_since = to.failing_since or self.clock.now
        if self.clock.now - to.failing_since >= OFF_AFTER:
            to.disabled = True


def _call(to: Subscriber, receive: Send, delivery: Delivery) -> int | Response:
    try:
        return receive(delivery)
    except AssertionError:
        raise  # a test's own
    except Exception as error:  # noqa: BLE001 - a server that breaks gives no answer
        to.raised = error
        return NO_ANSWER


def _take(run: Run) -> None:
    run.state, run.subscriber.failing_since = "delivered", None


def _rule_wait_s(run: Run, answer: Response, *, now: datetime) -> float | None:
    """Return when a rule's webhook is tried again, None where it is lost."""
    if run.attempts > len(RULE_WAITS_S):
        return None
    if answer.status and answer.status not in RULE_STATUSES:
        return None
    asked_s = _retry_after_s(answer, now)
    wait_s = RULE_WAITS_S[run.attempts - 1] if asked_s is None else asked_s
    spent_s = (now - run.began_at).total_seconds()
    return wait_s if spent_s + wait_s <= RULE_WINDOW_S else None


def _retry_after_s(answer: Response, now: datetime) -> float | None:
    named = {name.lower(): value for name, value in answer.headers}
    text = named.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
