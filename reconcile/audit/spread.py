"""A tie-out by many workers: each compares the rows of some companies.

A worker reads the views in one snapshot of its own, and replays to the position where
that stands: whoever writes meanwhile, rows and replay are of one moment.
"""

import secrets
from concurrent.futures import Executor

import attrs

from reconcile.audit.tie_out import TieOut, companies_in, compare
from reconcile.domain.policy import Policy
from reconcile.errors import UsageError
from reconcile.judgement.item import Rules
from reconcile.readmodels.parallel import (
    answers,
    divided,
    judging_in,
    judging_of,
)
from reconcile.storage.opening import open_store
from reconcile.storage.ports import Store
from reconcile.storage.sources import Address, EventSource, StoreEvents


@attrs.frozen(kw_only=True)
class _Rows:
    """A task: the rows of some companies; without `events`, the store has them."""

    store: str = attrs.field(repr=False)  # its URL, which may hold a password
    events: Address | None
    companies: tuple[str, ...]
    judging: bytes
    run: str


def tie_out_by(
    executor: Executor,
    store: Store,
    url: str,
    exported: tuple[EventSource, Address] | None,
    *,
    policy: Policy,
    rules: Rules,
) -> TieOut:
    """Return how a store's views compare with a replay, as the workers find it.

    `url` is where a worker opens the store; `exported` has the events to replay in
    place of the store's own, and where a worker opens them.

    Raises:
        UsageError: the export does not end where the views stand.
        WorkersLostError: the workers are gone.

    """
    source, address = exported or (StoreEvents(store), None)
    with store.reading() as views:
        result = TieOut(position=views.position())
        if address is not None:
            _check_ends(source, result.position)
        companies = companies_in(source, views)
    judging = judging_of(policy, rules)
    run = secrets.token_hex(8)
    tasks = [
        _Rows(store=url, events=address, companies=some, judging=judging, run=run)
        for some in divided(companies, events=result.position)
    ]
    for part in answers(executor, compare_rows, tasks):
        result.position = min(result.position, part.position)
        result.rows += part.rows
        result.poisoned_at |= part.poisoned_at
        result.differences += part.differences
    return result


def compare_rows(task: _Rows) -> TieOut:
    """Return how the rows of some companies compare; in the worker."""
    policy, rules = judging_in(task.judging)
    with open_store(task.store, create=False) as store, store.reading() as views:
        if task.events is None:
            source: EventSource = StoreEvents(store)
            return compare(source, views, task.companies, policy=policy, rules=rules)
        with task.events.open() as source:
            _check_ends(source, views.position())
            return compare(source, views, task.companies, policy=policy, rules=rules)


def _check_ends(source: EventSource, position: int) -> None:
    """Raise a UsageError where an export has not the events the views are made of."""
    last = source.position()
    if last != position:
        raise UsageError(
            f"the export ends at position {last}, and the live views stand at"
            f" {position}: expected an export made now"
        )
