"""The books: what is really in the accounting software. Tests ask, Codat never does."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import attrs

from reconcile.sandbox.world import Transaction


class Posted(NamedTuple):
    """One leg's writing."""

    at: datetime
    sync_id: str


@attrs.define(kw_only=True)
class Entry:
    """One transaction as the books have it; `legs` says when each was first written."""

    transaction_id: str
    given: dict[str, Any]
    legs: dict[str, Posted] = attrs.field(factory=dict)
    wanted: set[str] = attrs.field(factory=set)
    times: int = 0  # how often its expense leg was posted: more than once is a double

    @property
    def whole(self) -> bool:
        """Return whether every leg that was wanted is written."""
        return bool(self.legs) and self.wanted <= self.legs.keys()


class Books:
    """The ground truth: what every company's accounting software holds."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def post(
        self,
        company_id: str,
        transaction: Transaction,
        leg: str,
        *,
        wanted: set[str],
        sync_id: str,
        at: datetime,
    ) -> None:
        """Write one leg."""
        key = company_id, transaction.transaction_id
        entry = self._entries.get(key)
        if entry is None:
            entry = Entry(transaction_id=transaction.transaction_id, given={})
            self._entries[key] = entry
        entry.given = {**entry.given, **transaction.given}
        entry.wanted |= wanted
        if leg == min(wanted - {"bankfeeds"}) and not transaction.update:
            entry.times += 1
        entry.legs.setdefault(leg, Posted(at, sync_id))

    def entry(self, company_id: str, transaction_id: str) -> Entry | None:
        """Return what the books hold of a transaction, None for nothing."""
        return self._entries.get((company_id, transaction_id))

    def hold(self, company_id: str, transaction_id: str) -> bool:
        """Return whether every wanted leg of a transaction is written."""
        entry = self.entry(company_id, transaction_id)
        return entry is not None and entry.whole

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        """Yield company and entry of everything that is written."""
        for (company_id, _), entry in self._entries.items():
            yield company_id, entry
