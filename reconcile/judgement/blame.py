"""What an attempt failed with, in Codat's words: what a ruleset then classes.

Rules: `docs/explanation/judgement.md`, section 10.
"""

from datetime import datetime
from typing import Final

from reconcile.domain.vocabulary import OF_ONE_TRY, BreakKind, ItemState, WordClass
from reconcile.judgement.item import Blame, LaterTry, Progress
from reconcile.judgement.item_state import ItemView
from reconcile.judgement.outcome import Result, Standing


def is_failed(standing: Standing | None) -> bool:
    """Return whether a ruleset can class how an attempt ended.

    A duplicate claim is no failure: rules would take it for a sibling's.
    """
    return standing is not None and standing.result in _FAILURES


_FAILURES: Final = (Result.FAILED, Result.REGRESSED)


def blame_of(standing: Standing) -> Blame:
    """Return what an attempt failed with, where no leg of it tells more."""
    code = standing.code.code if standing.code else None
    hook, write = standing.hook, standing.attempt.write
    if hook is not None and hook.word_class is WordClass.FAILED:
        return Blame(
            hook.message, _FAILED, None, code, None, hook.at, *_tried(standing)
        )
    if write is not None:
        words, status = write.words, write.http_status
        return Blame(words, None, None, None, status, write.at, *_tried(standing))
    texts = standing.code.words if standing.code else ()
    at = standing.code.at if standing.code else standing.order[0]
    text = next((t for t in texts if t), None)
    return Blame(text, None, None, code, None, at, *_tried(standing))


def _tried(standing: Standing) -> tuple[str, datetime, datetime | None]:
    sync = standing.attempt.sync
    ended_at = None if sync is None else sync.ended_at
    return standing.attempt.name, standing.order[0], ended_at


def failures(view: ItemView) -> list[Standing]:
    """Return the attempts that failed and may have caused the break, oldest first.

    Of an update that failed: the updates since the item was last written.
    """
    some = list(view.speaking)
    if view.kind is BreakKind.UPDATE_FAILED:
        written = [s.order for s in view.standings if s.result is Result.WRITTEN]
        some = [u for u in view.updates if not written or u.order > max(written)]
    return [standing for standing in some if is_failed(standing)]


def earlier_blames(view: ItemView) -> tuple[tuple[Blame, ...], ...]:
    """Return what earlier attempts failed with, the latest first, each leg by leg.

    A call that was refused is left out where a later one was accepted, and where the
    refusal speaks of one try alone.
    """
    deciding = view.deciding
    if deciding is None or deciding.result is not Result.FAILED:
        return ()
    return tuple(
        _blames(standing)
        for standing in reversed(failures(view))
        if standing.order < deciding.order and not _undone(standing, deciding)
    )


def mended_blames(view: ItemView) -> tuple[Blame, ...]:
    """Return what an item that is written failed with before, leg by leg."""
    writer = view.deciding
    if writer is None or len(view.standings) < 2:
        return ()
    return tuple(
        blame
        for standing in view.standings
        if standing.result is Result.FAILED and standing.order < writer.order
        for blame in _blames(standing)
    )


def _undone(earlier: Standing, deciding: Standing) -> bool:
    write = earlier.attempt.write
    return write is not None and (
        deciding.attempt.write is None or write.http_status in OF_ONE_TRY
    )


def _blames(standing: Standing) -> tuple[Blame, ...]:
    code = standing.code.code if standing.code else None
    legs = tuple(
        Blame(leg.message, _FAILED, name, code, None, leg.at, *_tried(standing))
        for name, leg in standing.legs.items()
        if leg.word_class is WordClass.FAILED
    )
    return legs or (blame_of(standing),)


_FAILED: Final = "failed"


def later_try_of(view: ItemView) -> LaterTry | None:
    """Return the last attempt after the one that names a break, if it says nothing."""
    deciding = view.deciding
    if view.state is not ItemState.BREAK or deciding is None:
        return None
    last = view.standings[-1]
    if last.order <= deciding.order or last in view.speaking:
        return None
    write = last.attempt.write
    return LaterTry(
        at=last.order[0],
        code=last.code.code if last.code else None,
        http_status=write.http_status if write else None,
        waits=last.result is Result.UNDECIDED,
    )


def progress_of(standing: Standing | None, at: datetime | None) -> Progress | None:
    """Return how far the sync of an attempt is at a moment; None where it has none."""
    if standing is None or standing.attempt.sync is None or at is None:
        return None
    sync, code = standing.attempt.sync, standing.code
    since = min(
        (c.at for c in sync.codes if code is not None and c.code == code.code),
        default=None,
    )
    return Progress(
        sync_id=sync.sync_id,
        code=code.code if code else None,
        since=since,
        failed=sync.failed_at(at),
        read=sync.rows_from is not None and sync.rows_from <= at,
    )
