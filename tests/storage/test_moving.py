"""A whole store is moved to another, of any engine, and is the same history there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconcile import Reconciler, copy_store, read_lines, to_data
from reconcile.errors import NoStoreError, SignatureError, StoreError, UsageError
from reconcile.storage.backup import back_up
from reconcile.storage.opening import open_store
from tests.builders import at, create, hook, page, row, status, uuid_of
from tests.engines import POSTGRES, SQLITE, new_store

ENDS = [
    (source, target) for source in (SQLITE, POSTGRES) for target in (SQLITE, POSTGRES)
]
LATER = at(60)
LINES = (
    create(uuid_of(1), uuid_of(2)),
    hook("expenses.sync.successful", minutes=1),
    status(2000, minutes=2),
    page(row(uuid_of(1)), row(uuid_of(2), "PushError", message="a period"), minutes=3),
    b"no HAR entry at all",
)
MORE = (create(uuid_of(3), sync="sync-2", minutes=9),)


@contextmanager
def two_stores(ends: tuple[str, str], folder: Path) -> Iterator[tuple[str, str]]:
    """Give the URLs of a store with traffic in it, and of an empty one."""
    with new_store(ends[0], folder) as source, new_store(ends[1], folder) as target:
        with Reconciler.open(source) as books:
            books.ingest(read_lines(LINES))
            with pytest.raises(SignatureError):
                books.receive_webhook([("svix-id", "x")], b'{"secret": "no"}')
            books.store.leases("follower").put_done("list:c", at(7))
        yield source, target


@pytest.mark.parametrize("ends", ENDS)
def test_a_copy_tells_the_same_of_everything(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    with two_stores(ends, tmp_path) as (source, target):
        copied = copy_store(source, target)

        with Reconciler.open(source) as first, Reconciler.open(target) as second:
            for books in (first, second):
                assert books.tie_out(evidence=True).differences == []
                books.store.check()
            ours, theirs = first.store, second.store
            assert to_data(second.report(as_of=LATER)) == to_data(
                first.report(as_of=LATER)
            )
            assert theirs.ends() == ours.ends()
            assert (theirs.ends().position, theirs.ends().evidence) == (
                copied.position,
                copied.evidence,
            )
            assert [*theirs.stored_after(0)] == [*ours.stored_after(0)]
            for key in ours.evidence_keys():
                assert theirs.receipts(key.identity) == ours.receipts(key.identity)
            assert theirs.untrusted().numbered() == ours.untrusted().numbered()
            assert theirs.leases("x").all_done() == {"list:c": at(7)}


@pytest.mark.parametrize("ends", ENDS)
def test_a_copy_is_brought_up_to_date_by_the_next(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    with two_stores(ends, tmp_path) as (source, target):
        copy_store(source, target)
        with Reconciler.open(source) as books:
            books.ingest(read_lines(MORE))

        copied = copy_store(source, target)
        again = copy_store(source, target)

        assert copied.events > 0
        assert (again.events, again.evidence) == (0, 0)
        assert again.digest == copied.digest
        with open_store(source, create=False) as store:
            assert store.ends().position == copied.position


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("steps", range(4))
def test_a_copy_that_was_cut_off_goes_on_where_it_ended(
    tmp_path: Path, ends: tuple[str, str], steps: int
) -> None:
    with two_stores(ends, tmp_path) as (source, target):
        with (
            open_store(source, create=False) as ours,
            open_store(target, create=True) as theirs,
        ):
            receipts = ours.evidence_after(0, until=9)
            bodies = ours.bodies(d for r in receipts if (d := r.response_body))
            bodies += ours.bodies(d for r in receipts if (d := r.request_body))
            if steps > 0:
                theirs.put_evidence(receipts[:2], bodies)
            if steps > 1:
                theirs.put_evidence(receipts[2:], bodies)
            if steps > 2:
                theirs.put_events(ours.stored_after(0)[:2])

        copied = copy_store(source, target)

        with open_store(source, create=False) as ours:
            assert copied.position == ours.position()
        with Reconciler.open(target) as books:
            assert books.tie_out(evidence=True).differences == []


@pytest.mark.parametrize("ends", ENDS)
def test_a_store_of_another_history_is_not_written_to(
    tmp_path: Path, ends: tuple[str, str]
) -> None:
    with two_stores(ends, tmp_path) as (source, target):
        with Reconciler.open(target) as books:
            books.ingest(read_lines([create(uuid_of(7), sync="other", minutes=4)]))
            before = books.store.ends()

        with pytest.raises(StoreError, match="expected an empty store or an earlier"):
            copy_store(source, target)

        with open_store(target, create=False) as store:
            assert store.ends() == before


@pytest.mark.parametrize("engine", [SQLITE, POSTGRES])
def test_a_store_that_goes_further_than_its_source_is_not_written_to(
    tmp_path: Path, engine: str
) -> None:
    with two_stores((SQLITE, engine), tmp_path) as (source, target):
        copy_store(source, target)
        with Reconciler.open(target) as books:
            books.ingest(read_lines(MORE))

        with pytest.raises(StoreError, match="expected at most"):
            copy_store(source, target)


def test_a_store_is_not_copied_to_itself_nor_from_nowhere(tmp_path: Path) -> None:
    with two_stores((SQLITE, SQLITE), tmp_path) as (source, target):
        with pytest.raises(UsageError, match="expected another store"):
            copy_store(source, source)
        with pytest.raises(NoStoreError):
            copy_store(f"sqlite:///{tmp_path / 'none.db'}", target)


@pytest.mark.parametrize("engine", [SQLITE, POSTGRES])
def test_a_backup_of_either_engine_is_a_file_that_is_put_back(
    tmp_path: Path, engine: str
) -> None:
    with two_stores((engine, engine), tmp_path) as (source, restored):
        position = back_up(source, tmp_path / "backup.db")

        copied = copy_store(f"sqlite:///{tmp_path / 'backup.db'}", restored)

        assert copied.position == position
        with Reconciler.open(source) as ours, Reconciler.open(restored) as theirs:
            assert to_data(theirs.report(as_of=LATER)) == to_data(
                ours.report(as_of=LATER)
            )
