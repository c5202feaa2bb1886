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
    for one in facts.expected:
        if one.sync_id is not None:
            _earlier(expected, one.sync_id, one.at)
        else:
            assert one.dataset_id is not None
            dataset = dossier.datasets[one.dataset_id]
            for sync_id, at in dataset.syncs:
                _earlier(expected, sync_id, max(at, one.at))
            named_in += [(write, max(write.at, one.at)) for write in dataset.unsettled]
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
    told: dict[Unsettled, datetime] = {}
    for write, named_from in named_in:
        _earlier(told, write._replace(source=0), named_from)
    return in_syncs + tuple(
        Attempt(
            write=write,
            expected_from=told[write],
            void_from=_void_from(write, told),
        )
        for write in _latest(told)
        if write.outcome != "accepted"
    )


def _latest(told: Iterable[Unsettled]) -> list[Unsettled]:
    """Return the latest of each kind of answer to each request.

    Refusals of one try are of a kind of their own.
    """
    ranked = sorted(told, key=_rank)
    held = {(one.request_id, one.outcome, _of_one_try(one)): one for one in ranked}
    return [one for _, one in sorted(held.items())]


def _rank(write: Unsettled) -> tuple[datetime, int, str]:
    return write.at, write.http_status, repr((write.words, write.operation))


def _void_from(write: Unsettled, told: Iterable[Unsettled]) -> datetime | None:
    """Return since when something more is known of a write, None while nothing is.

    A refusal that speaks of one try alone says nothing where another try was lost.
    """
    same = [one for one in told if one.request_id == write.request_id]
    if _of_one_try(write) and any(
        one.outcome == "lost" and one.at <= write.at for one in same
    ):
        return write.at
    return min((o.at for o in _latest(same) if _outweighs(o, write)), default=None)


def _outweighs(one: Unsettled, write: Unsettled) -> bool:
    """Return whether something told of a request leaves nothing of another.

    That it was accepted, or never sent, outweighs all, and any answer the intent. A
    person's decision that nothing came of it outweighs what left it in doubt, and no
    answer of Codat's to the request.
    """
    match one.outcome:
        case "accepted" | "unsent":
            return one.outcome != write.outcome
        case "abandoned":
            return write.outcome in ("asked", "lost") or _of_one_try(write)
        case "refused" if not _of_one_try(one):
            return write.outcome == "asked" or _of_one_try(write)
        case _:
            return write.outcome == "asked" != one.outcome


def _of_one_try(write: Unsettled) -> bool:
    return write.outcome == "refused" and write.http_status in OF_ONE_TRY


_Key = TypeVar("_Key")


def _earlier(held: dict[_Key, datetime], key: _Key, at: datetime) -> None:
    if key not in held or at < held[key]:
        held[key] = at
