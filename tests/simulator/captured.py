"""What a back office captured: each exchange and delivery, with what it told of."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from reconcile import Exchange


@attrs.frozen(kw_only=True)
class Captured:
    """One exchange or delivery, and what only its maker knows of it for sure."""

    exchange: Exchange
    company_id: str
    sent: frozenset[str] = frozenset()  # transactions that a write named
    began: str | None = None  # the sync it started, even if nobody was told
    # Sync and transaction of each of its rows.
    reported: frozenset[tuple[str, str]] = frozenset()
    delivery_id: str | None = None  # of a webhook that names itself
    webhook: bool = False
    recorded: bool = True  # False: the process died before it was recorded

    @property
    def fact(self) -> tuple[object, ...]:
        """Return what makes it one fact, by the rules' first section."""
        exchange = self.exchange
        if self.webhook:
            return self.delivery_id or exchange.request_body, "delivery"
        return (
            exchange.method,
            exchange.url,
            exchange.request_body,
            exchange.status,
            exchange.response_body,
            exchange.observed_at,
        )

    def line(self, begin: datetime) -> str:
        """Return it as one line of a story."""
        exchange = self.exchange
        since = (exchange.observed_at - begin).total_seconds()
        if self.webhook:
            return f"{since:10.1f} s  webhook  {_short(exchange.request_body)}"
        path = exchange.url.partition("/sync/expenses")[2]
        call = f"{exchange.method:4} {path}  {exchange.status}"
        return f"{since:10.1f} s  {call}  {_short(exchange.response_body)}"


def _short(body: bytes | None) -> str:
    text = (body or b"").decode("utf-8", "replace")
    return text if len(text) < 160 else f"{text[:160]}…"


def rows_told(sync_id: str, body: bytes) -> frozenset[tuple[str, str]]:
    """Return the transactions whose rows stand in an answer of a sync's."""
    try:
        data: Any = json.loads(body)
    except ValueError:
        return frozenset()
    rows = data.get("results", ()) if isinstance(data, dict) else data
    return frozenset(
        (sync_id, row["transactionId"]) for row in rows if "transactionId" in row
    )


def facts(captured: Iterable[Captured]) -> int:
    """Return how many different facts were captured."""
    return len({item.fact for item in captured if item.recorded})
