"""Subscriptions: the rules of the legacy service, the consumers of the one after it."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from reconcile.errors import UsageError
from reconcile.sandbox import bodies
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.deliveries import Generation, Send, Subscriber
from reconcile.sandbox.signatures import key_of, new_secret

OLD_SECRET_S: Final = 86_400  # how long a secret still signs beside its successor
INTERIM: Final = {bodies.COMPLETED: "SyncCompleted", bodies.FAILED: "SyncFailed"}
_RULES: Final = {
    "syncstarted": bodies.STARTED,
    "synccompleted": bodies.COMPLETED,
    "synccomplete": bodies.COMPLETED,
    "syncfailed": bodies.FAILED,
}
_OF: Final[dict[Generation, tuple[str, ...]]] = {
    "legacy": (bodies.STARTED, bodies.COMPLETED, bodies.FAILED),
    "interim": tuple(INTERIM.values()),
    "current": (bodies.SUCCESSFUL, bodies.UNSUCCESSFUL),
}


class Subscriptions:
    """Who hears of what, in the order they asked for it."""

    def __init__(self, *, clock: Clock, chance: Chance) -> None:
        self.subscribers: dict[str, Subscriber] = {}
        self._clock = clock
        self._chance = chance

    def subscribe_rule(
        self, rule_id: str, kind: str, url: str, *, company_id: str | None = None
    ) -> None:
        """Keep a rule of the legacy service; one that is about no sync stays silent."""
        title = _RULES.get(_letters(kind))
        self._keep(
            Subscriber(
                subscriber_id=rule_id,
                event_types=(title,) if title else (),
                url=url,
                company_id=company_id,
            )
        )

    def subscribe(
        self,
        url: str,
        *,
        event_types: Sequence[str] | None = None,
        company_tags: Sequence[str] | None = None,
        company_id: str | None = None,
        disabled: bool = False,
    ) -> dict[str, Any]:
        """Return a new consumer of the webhook service.

        Without event types it hears of every one of the current service.
        """
        named = tuple(dict.fromkeys(map(_event_type, event_types or ())))
        subscriber = self._keep(
            Subscriber(
                subscriber_id=self._chance.uuid("webhook consumer"),
                event_types=named or _OF["current"],
                url=url,
                company_id=company_id,
                tags=tuple(company_tags or ()),
                secrets=[new_secret(self._chance)],
                disabled=disabled,
            )
        )
        return _consumer(subscriber)

    def subscribe_callable(
        self,
        receive: Send,
        *,
        generation: Generation = "current",
        company_id: str | None = None,
        secret: str | None = None,
    ) -> str:
        """Return the id of a subscriber that is called, and returns the HTTP status.

        An exception that it raises is no answer; an AssertionError is a test's own.

        Raises:
            UsageError: the secret is none.

        """
        secret = secret or new_secret(self._chance)
        key_of(secret)
        subscriber = self._keep(
            Subscriber(
                subscriber_id=self._chance.uuid("webhook consumer"),
                event_types=_OF[generation],
                receive=receive,
                company_id=company_id,
                secrets=[secret],
            )
        )
        return subscriber.subscriber_id

    def consumers(self) -> list[dict[str, Any]]:
        """Return the consumers of the webhook service that have a URL."""
        return [
            _consumer(subscriber)
            for subscriber in self.subscribers.values()
            if subscriber.secrets and subscriber.url is not None
        ]

    def unsubscribe(self, consumer_id: str) -> bool:
        """Forget a consumer, and say whether there was one; rules stay."""
        consumercriber = self.subscribers.get(consumer_id)
        if consumercriber is None or not consumercriber.secrets:
            return False
        consumercriber.disabled = True  # for what is on its way
        del self.subscribers[consumer_id]
        return True

    def enable(self, consumer_id: str) -> None:
        """Let a consumer that was disabled hear of what happens from now on."""
        consumercriber = self.consumer(consumer_id)
        consumercriber.disabled, consumercriber.failing_since = False, None

    def rotate(self, consumer_id: str, secret: str | None = None) -> str:
        """Return a consumer's new secret; the old ones sign beside it for a day."""
        consumercriber = self.consumer(consumer_id)
        secret = secret or new_secret(self._chance)
        key_of(secret)
        old = tuple(consumercriber.secrets)
        consumercriber.secrets.insert(0, secret)
        self._clock.after(OLD_SECRET_S, partial(_retire, consumercriber, old))
        return secret

    def consumer(self, consumer_id: str) -> Subscriber:
        """Return a subscriber by its id.

        Raises:
            UsageError: there is none.

        """
        found = self.subscribers.get(consumer_id)
        if found is None:
            raise UsageError(f"no webhook consumer has the id {consumer_id}")
        return found

    def _keep(self, subscriber: Subscriber) -> Subscriber:
        self.subscribers[subscriber.subscriber_id] = subscriber
        return subscriber


def hears(
    subscriber: Subscriber, event_type: str, company_id: str, tags: frozenset[str]
) -> bool:
    """Return whether a subscriber asked for an event, by its type and its company."""
    return (
        event_type in subscriber.event_types
        and (subscriber.company_id or company_id).lower() == company_id.lower()
        and (not subscriber.tags or not tags.isdisjoint(subscriber.tags))
    )


def _retire(subscriber: Subscriber, old: tuple[str, ...]) -> None:
    subscriber.secrets = [secret for secret in subscriber.secrets if secret not in old]


def _consumer(subscriber: Subscriber) -> dict[str, Any]:
    """Return a consumer as Codat's OpenAPI file has it: WebhookConsumer."""
    data: dict[str, Any] = {
        "id": subscriber.subscriber_id,
        "url": subscriber.url,
        "disabled": subscriber.disabled,
        "eventTypes": list(subscriber.event_types),
        "companyTags": list(subscriber.tags),
    }
    if subscriber.company_id is not None:
        data["companyId"] = subscriber.company_id
    return data


def _event_type(name: str) -> str:
    """Return a type as the service spells it; the interim ones were also spelt apart.

    Source: the examples of `POST /webhooks` in Codat's OpenAPI file of 2025-01.
    """
    title = _RULES.get(_letters(name))
    return name if title is None else INTERIM.get(title, name)


def _letters(name: str) -> str:
    """Return a type without what its spellings differ in."""
    return re.sub(r"[^a-z]", "", name.lower())
