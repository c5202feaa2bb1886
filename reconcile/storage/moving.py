"""A whole store moved to another, of any engine: streaming, and taken up again.

The evidence goes first, then the events at their positions. What is there already is
compared, so that a copy that was interrupted goes on where it ended, and one that grew
since is brought up to date; a target of another history is refused.
"""

import hashlib
from collections.abc import Callable, Iterator

import attrs

from reconcile.errors import StoreError, UsageError
from reconcile.storage.movable import Ends, StoredEvent
from reconcile.storage.opening import open_store
from reconcile.storage.ports import Store, VersionConflictError


@attrs.frozen(kw_only=True)
class Copied:
    """What a copy came to: how far both go, what was written, and one digest of both.

    `digest` is over every event as it is stored, read back from the target.
    """

    position: int
    events: int
    evidence: int
    digest: str


def copy_store(
    source_url: str,
    target_url: str,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> Copied:
    """Copy a store to another, as it is when the copy begins.

    The target is a new or an empty store, or an earlier copy of the same. `progress`
    hears of each position that is written.

    Raises:
        UsageError: a URL names no store we know, or both name one.
        NoStoreError: there is no store to copy, or no tables to copy it to.
        StoreError: the target holds another history, or one of both cannot be used.

    """
    with (
        open_store(source_url, create=False) as source,
        open_store(target_url, create=True) as target,
    ):
        if source.path == target.path:
            raise UsageError(
                f"{source.path} cannot be copied to itself, expected another store"
            )
        until = source.ends()
        before = target.ends()
        _check_beginning(source, target, before, until)
        try:
            evidence = _copy_evidence(source, target, before, until)
            events = _copy_events(source, target, before, until, progress)
        except VersionConflictError as error:
            raise StoreError(
                f"{target.path} was written by somebody else meanwhile, expected that"
                " nobody uses a store that is copied to"
            ) from error
        target.untrusted().keep_numbered(source.untrusted().numbered())
        _copy_done(source, target)
        digest = _digest(target, until.position)
        if _digest(source, until.position) != digest:
            raise StoreError(
                f"{target.path} is not what {source.path} is: the digests of their"
                " events differ"
            )
    return Copied(
        position=until.position, events=events, evidence=evidence, digest=digest
    )


def _check_beginning(source: Store, target: Store, before: Ends, until: Ends) -> None:
    """Refuse a target that is not the source's own beginning."""
    if before.position > until.position or before.evidence > until.evidence:
        raise StoreError(
            f"{target.path} goes to position {before.position}, expected at most"
            f" {until.position}, where {source.path} ends"
        )
    if before.position and _digest(target, before.position) != _digest(
        source, before.position
    ):
        raise StoreError(
            f"{target.path} holds another history, expected an empty store or an"
            f" earlier copy of {source.path}"
        )
    last = [
        store.evidence_after(before.evidence - 1, until=before.evidence)
        for store in (source, target)
    ]
    if before.evidence and last[0] != last[1] and last[1]:
        raise StoreError(
            f"{target.path} holds other evidence, expected an empty store or an"
            f" earlier copy of {source.path}"
        )


def _copy_evidence(source: Store, target: Store, before: Ends, until: Ends) -> int:
    copied = 0
    seq = before.evidence
    while rows := source.evidence_after(seq, until=until.evidence):
        digests = {d for row in rows for d in (row.request_body, row.response_body)}
        target.put_evidence(rows, source.bodies(digests - {None}))  # type: ignore[arg-type]  # mypy keeps None
        copied += len(rows)
        seq = rows[-1].seq
    return copied


def _copy_events(
    source: Store,
    target: Store,
    before: Ends,
    until: Ends,
    progress: Callable[[int], None],
) -> int:
    copied = 0
    for rows in _batches(source, before.position, until.position):
        target.put_events(rows)
        copied += len(rows)
        progress(rows[-1].position)
    return copied


def _copy_done(source: Store, target: Store) -> None:
    """Copy when each piece of a follower's work was last done; leases run out."""
    leases = target.leases("copy")
    there = leases.all_done()
    for name, done in source.leases("copy").all_done().items():
        if there.get(name) != done:
            leases.put_done(name, done)


def _batches(store: Store, after: int, until: int) -> Iterator[list[StoredEvent]]:
    while after < until:
        stored = store.stored_after(after)
        rows = [row for row in stored if row.position <= until]
        if not rows:
            return
        yield rows
        after = rows[-1].position


def _digest(store: Store, until: int) -> str:
    """Return one digest of every event up to a position, as it is stored."""
    digest = hashlib.sha256()
    for rows in _batches(store, 0, until):
        for row in rows:
            head = f"{row.position} {row.stream} {row.version} {row.topic} "
            digest.update(f"{head}{row.recorded_at} {len(row.state)}\n".encode())
            digest.update(row.state)
    return f"sha256:{digest.hexdigest()}"
