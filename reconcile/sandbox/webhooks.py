"""Webhooks: a sync's events told to who asked for them, and sent again on demand."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

from reconcile.errors import UsageError
from reconcile.sandbox import bodies
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.deliveries import (
    Courier,
    Message,
    Route,
    Send,
    Subscriber,
    straight,
)
from reconcile.sandbox.engine import Moment
from reconcile.sandbox.outbound import Poster
from reconcile.sandbox.signatures import Names
from reconcile.sandbox.subscriptions import INTERIM, Subscriptions, hears
from reconcile.sandbox.world import Company, Sync

_NO_TAGS: Final[frozenset[str]] = frozenset()  # the rules knew none
KEPT: Final = timedelta(days=14)  # how far back messages can be sent again
_TITLES: Final[dict[Moment, str]] = {
    "started": bodies.STARTED,
    "completed": bodies.COMPLETED,
    "failed": bodies.FAILED,
}


class Webhooks(Subscriptions):
    """The webhooks of one sandbox.

    `completed_rule` says whether `Sync Completed` also fires for a sync that failed, as
    it came to in 2024-01. `contradicts` is asked once for each sync that ends: where it
    says so, `Sync Completed` fires for a failed one, and a completed one is told as
    `expenses.sync.unsuccessful`, as one with a warning is.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        chance: Chance,
        send: Send | None = None,
        route: Route = straight,
        contradicts: Callable[[Sync], bool] = lambda _: False,
        completed_rule: Literal["successful", "any"] = "successful",
        transactions: bool = True,
        names: Names = "webhook",
        client_name: str = "Expense Sync",
        alert_auth_header: str | None = None,
    ) -> None:
        super().__init__(clock=clock, chance=chance)
        self.courier = Courier(
            clock=clock, send=send or Poster(), route=route, names=names
        )
        self.client_id = chance.uuid("client")
        self.client_name = client_name
        self.alert_auth_header = alert_auth_header  # Authorization of every rule's
        self.company_tags: dict[str, dict[str, str]] = {}  # by company
        self._contradicts = contradicts
        self._completed_rule = completed_rule
        self._transactions = transactions
        self._messages: dict[str, Message] = {}  # of the service, oldest first

    def notify(self, moment: Moment, company: Company, sync: Sync) -> None:
        """Tell everyone who asked for it."""
        ended = moment != "started"
        contradicts = ended and self._contradicts(sync)
        titles = [_TITLES[moment]]
        if moment == "failed" and (contradicts or self._completed_rule == "any"):
            titles.append(bodies.COMPLETED)
        for title in titles:
            self._alert(title, company, sync)
            if ended:
                self._publish(self._interim(title, company, sync))
        if ended:
            well = moment == "completed" and not contradicts
            event_type = bodies.SUCCESSFUL if well else bodies.UNSUCCESSFUL
            self._publish(self._current(event_type, company, sync))

    def _alert(self, title: str, company: Company, sync: Sync) -> None:
        """Fire the rules of a title, each with an alert of its own."""
        headers = [("X-Codat-ClientId", self.client_id)]
        if self.alert_auth_header is not None:
            headers.append(("Authorization", self.alert_auth_header))
        for rule in self.subscribers.values():
            if rule.disabled or not hears(rule, title, company.company_id, _NO_TAGS):
                continue
            alert_id = self._chance.uuid("alert")
            message = Message(
                message_id=alert_id,
                generation="legacy",
                event_type=title,
                company_id=company.company_id,
                body=self._rule_body(
                    title, sync, alert_id=alert_id, rule_id=rule.subscriber_id
                ),
                at=self._clock.now,
                headers=tuple(headers),
            )
            self.courier.carry(message, rule)

    def _interim(self, title: str, company: Company, sync: Sync) -> Message:
        alert_id = self._chance.uuid("interim event")
        return Message(
            message_id=self._message_id(),
            generation="interim",
            event_type=INTERIM[title],
            company_id=company.company_id,
            body=self._rule_body(title, sync, alert_id=alert_id, rule_id=None),
            at=self._clock.now,
            tags=self._tags(company),
        )

    def _current(self, event_type: str, company: Company, sync: Sync) -> Message:
        body = bodies.current(
            event_type,
            company,
            sync,
            event_id=self._chance.uuid("event"),
            at=self._clock.now,
            transactions=self._transactions,
            tags=self.company_tags.get(company.company_id, {}),
        )
        return Message(
            message_id=self._message_id(),
            generation="current",
            event_type=event_type,
            company_id=company.company_id,
            body=body,
            at=self._clock.now,
            tags=self._tags(company),
        )

    def _rule_body(
        self, title: str, sync: Sync, *, alert_id: str, rule_id: str | None
    ) -> bytes:
        return bodies.legacy(
            title,
            sync,
            alert_id=alert_id,
            rule_id=rule_id,
            client_id=self.client_id,
            client_name=self.client_name,
        )

    def _message_id(self) -> str:
        return f"msg_{self._chance.uuid('webhook message').replace('-', '')}"

    def _tags(self, company: Company) -> frozenset[str]:
        tags = self.company_tags.get(company.company_id, {})
        return frozenset(f"{key}:{value}" for key, value in tags.items())

    def _publish(self, message: Message) -> None:
        self._messages[message.message_id] = message
        while next(iter(self._messages.values())).at < self._clock.now - KEPT:
            del self._messages[next(iter(self._messages))]
        for subscriber in self.subscribers.values():
            if not subscriber.disabled and _asked(subscriber, message):
                self.courier.carry(message, subscriber)

    # Sending again

    def replay(self, message_id: str) -> int:
        """Send a message again, under its own id, to all it was sent to; count them.

        Raises:
            UsageError: no message of the last fourteen days has that id.

        """
        found = [m for m in self.messages() if m.message_id == message_id]
        if not found:
            raise UsageError(f"no message of the last days has the id {message_id}")
        hearers = [self.subscribers.get(name) for name in found[0].runs]
        active = [subscriber for subscriber in hearers if subscriber is not None]
        for subscriber in active:
            self.courier.carry(found[0], subscriber)
        return len(active)

    def recover(
        self, consumer_id: str, since: datetime, *, new_ids: bool = False
    ) -> int:
        """Send a consumer again what it failed to take since a moment; count them."""
        to = self.consumer(consumer_id)
        lost = [
            message
            for message in self.messages(since)
            if consumer_id in message.runs
            and message.runs[consumer_id].state == "failed"
        ]
        for message in lost:
            name = self._message_id() if new_ids else None
            self.courier.carry(message, to, message_id=name)
        return len(lost)

    def replay_missed(self, consumer_id: str, since: datetime) -> int:
        """Send a consumer what it was never sent since a moment; count them."""
        to = self.consumer(consumer_id)
        missed = [
            message
            for message in self.messages(since)
            if consumer_id not in message.runs and _asked(to, message)
        ]
        for message in missed:
            self.courier.carry(message, to)
        return len(missed)

    def messages(self, since: datetime | None = None) -> Iterator[Message]:
        """Return what can be sent again, since a moment; the oldest first."""
        oldest = self._clock.now - KEPT
        return (
            message
            for message in self._messages.values()
            if message.at >= max(oldest, since or oldest)
        )


def _asked(subscriber: Subscriber, message: Message) -> bool:
    return hears(subscriber, message.event_type, message.company_id, message.tags)
