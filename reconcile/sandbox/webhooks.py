"""Webhooks: who hears of a sync, in the words of each generation."""

from reconcile.sandbox.engine import Moment
from reconcile.sandbox.world import Company, Sync


class Webhooks:
    """The subscriptions of one sandbox."""

    def subscribe_rule(
        self, rule_id: str, kind: str, url: str, *, company_id: str | None
    ) -> None:
        """Keep a rule of the legacy service."""

    def subscribe(
        self, url: str, *, event_types: object = None, company_tags: object = None
    ) -> dict[str, object]:
        """Keep a consumer of the webhook service."""
        return {"url": url}

    def consumers(self) -> list[dict[str, object]]:
        """Return the consumers."""
        return []

    def unsubscribe(self, consumer_id: str) -> bool:
        """Forget a consumer."""
        return False

    def told(self, moment: Moment, company: Company, sync: Sync) -> None:
        """Tell everyone who asked for it."""
