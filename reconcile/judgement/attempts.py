"""From an item's facts to its attempts."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from reconcile.domain.vocabulary import OF_ONE_TRY
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
    return in_syncs + tuple(
        Attempt(
            write=write,
            expected_from=named_from_of[write],
            void_from=_void_from(write, named_from_of),
        )
        for write in _latest(named_from_of)
        if write.outcome != "accepted"
    )


def _latest(writes: Iterable[Unsettled]) -> list[Unsettled]:
    """Return the latest of each kind of answer to each request.

    Refusals of one try are of a kind of their own.
    """
    ranked = sorted(writes, key=_rank)
    latest = {
        (write.request_id, write.outcome, _of_one_try(write)): write for write in ranked
    }
    return [write for _, write in sorted(latest.items())]


def _rank(write: Unsettled) -> tuple[datetime, int, str]:
    return write.at, write.http_status, repr((write.words, write.operation))


def _void_from(write: Unsettled, writes: Iterable[Unsettled]) -> datetime | None:
    """Return since when something more is known of a write, None while nothing is.

    A refusal that speaks of one try alone says nothing where another try was lost.
    """
    same = [other for other in writes if other.request_id == write.request_id]
    if _of_one_try(write) and any(
        other.outcome == "lost" and other.at <= write.at for other in same
    ):
        return write.at
    return min(
        (other.at for other in _latest(same) if _outweighs(other, write)), default=None
    )


def _outweighs(other: Unsettled, write: Unsettled) -> bool:
    """Return whether something told of a request leaves nothing of another.

    That it was accepted, or never sent, outweighs all, and any answer the intent. A
    person's decision that nothing came of it outweighs what left it in doubt, and no
    answer of Codat's to the request.
    """
    match other.outcome:
        case "accepted" | "unsent":
            return other.outcome != write.outcome
        case "abandoned":
            return write.outcome in ("asked", "lost") or _of_one_try(write)
        case "refused" if not _of_one_try(other):
            return write.outcome == "asked" or _of_one_try(write)
        case _:
            return write.outcome == "asked" != other.outcome


def _of_one_try(write: Unsettled) -> bool:
    return write.outcome == "refused" and write.http_status in OF_ONE_TRY


_Key = TypeVar("_Key")


def _earlier(earliest: dict[_Key, datetime], key: _Key, at: datetime) -> None:
    if key not in earliest or at < earliest[key]:
        earliest[key] = at
