"""From an item's facts to its attempts."""

from datetime import datetime
from typing import TypeVar

from reconcile.domain.request import latest_of_each_kind, void_from
from reconcile.domain.vocabulary import RequestOutcome
from reconcile.judgement.facts import Unsettled
from reconcile.judgement.item import Dossier
from reconcile.judgement.outcome import Attempt


def attempts_of(dossier: Dossier) -> tuple[Attempt, ...]:
    """Return every sync that reported or expected the item, and every such write."""
    facts = dossier.facts
    expected: dict[str, datetime] = {}
    named_in = [(unsettled, unsettled.at) for unsettled in facts.unsettled]
    for expectation in facts.expected:
        if expectation.sync_id is not None:
            _earlier(expected, expectation.sync_id, expectation.at)
        else:
            assert expectation.dataset_id is not None
            dataset = dossier.datasets[expectation.dataset_id]
            for sync_id, at in dataset.syncs:
                _earlier(expected, sync_id, max(at, expectation.at))
            named_in += [
                (write, max(write.at, expectation.at)) for write in dataset.unsettled
            ]
    named = {leg.sync_id for leg in facts.legs} | {h.sync_id for h in facts.hooks}
    in_syncs = tuple(
        Attempt(
            sync=dossier.syncs[sync_id],
            legs=tuple(leg for leg in facts.legs if leg.sync_id == sync_id),
            hooks=tuple(hook for hook in facts.hooks if hook.sync_id == sync_id),
            expected_from=expected.get(sync_id),
        )
        for sync_id in sorted(named | set(expected))
    )
    if not named_in:
        return in_syncs
    named_from_of: dict[Unsettled, datetime] = {}
    for write, named_from in named_in:
        _earlier(named_from_of, write._replace(source=0), named_from)
    by_request: dict[str, list[Unsettled]] = {}
    for write in named_from_of:
        by_request.setdefault(write.request_id, []).append(write)
    return in_syncs + tuple(
        Attempt(
            write=write,
            asked_at=min(fact.at for fact in writes),
            expected_from=named_from_of[write],
            void_from=void_from(write, writes),
        )
        for _, writes in sorted(by_request.items())
        for write in latest_of_each_kind(writes)
        if write.outcome is not RequestOutcome.ACCEPTED
    )


_Key = TypeVar("_Key")


def _earlier(earliest: dict[_Key, datetime], key: _Key, at: datetime) -> None:
    if key not in earliest or at < earliest[key]:
        earliest[key] = at
