"""Which syncs a follower reads again: by columns, and the same as by the facts."""

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings

from reconcile import Reconciler, read_lines
from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.vocabulary import UNDECIDED_WORDS
from reconcile.storage.tables import VIEWS_VERSION
from tests.builders import COMPANY, SYNC, at, hook, page, push, row, start, status
from tests.strategies import crowded, traffic

NAMED_BY_FACTS = """
    SELECT items.company_id, read.value ->> 0,
        MAX(CASE items.kind WHEN 'CONFLICTING' THEN 'conflicting' ELSE 'open' END)
    FROM items, json_each(items.facts, '$[0]') AS read,
        json_each(read.value, '$[3]') AS leg
    WHERE items.kind = 'CONFLICTING'
        OR ((items.state = 'open' OR items.stuck_after IS NOT NULL)
            AND leg.value ->> 1 IN (SELECT value FROM json_each(?)))
    GROUP BY 1, 2
"""
"""What the first version of the views asked: by the places of private JSON."""


def by_columns(books: Reconciler) -> set[tuple[str, str, str]]:
    """Return the syncs that some item names, as the store finds them."""
    with books.store.reading() as views:
        return {
            (sync.company_id, sync.sync_id, sync.unsettled)
            for sync in views.unfinished_syncs(now=END_OF_TIME)
            if sync.unsettled is not None
        }


def by_facts(path: str) -> set[tuple[str, str, str]]:
    """Return the syncs that the facts of some item name."""
    with closing(sqlite3.connect(path)) as db:
        return {*db.execute(NAMED_BY_FACTS, (json.dumps(UNDECIDED_WORDS),))}


@settings(max_examples=150)
@given(lines=traffic() | crowded())
def test_the_columns_name_the_syncs_that_the_facts_name(lines: list[bytes]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{Path(folder) / 'books.db'}") as books,
    ):
        books.ingest(read_lines(lines))
        books.catch_up()

        assert by_columns(books) == by_facts(books.store.path)


def test_a_sync_whose_item_waits_is_open_and_once_decided_it_is_finished(
    books: Reconciler,
) -> None:
    begun = [
        push("t1", "t2", minutes=0),
        start(minutes=1),
        status(2000, minutes=2),
        page(row("t1"), row("t2", "Pending"), minutes=3),
    ]
    books.ingest(read_lines(begun))
    books.catch_up()
    waiting = by_columns(books)

    books.ingest(read_lines([page(row("t1"), row("t2"), minutes=4)]))
    books.catch_up()

    assert waiting == {(COMPANY, SYNC, "open")}
    with books.store.reading() as views:
        assert [*views.unfinished_syncs(now=END_OF_TIME)] == []


def test_a_sync_that_a_webhook_contradicts_is_conflicting(books: Reconciler) -> None:
    lines = [
        push("t1", minutes=0),
        start(minutes=1),
        status(2000, minutes=2),
        page(row("t1"), minutes=3),
        hook("expenses.sync.unsuccessful", ("t1", "PushError"), minutes=4, generated=4),
    ]
    books.ingest(read_lines(lines))
    books.catch_up()

    (item,) = books.report(as_of=at(5)).items

    assert item.item.kind == "CONFLICTING"
    assert by_columns(books) == {(COMPANY, SYNC, "conflicting")}


def test_a_decided_row_stands_outside_the_index_of_the_undecided(
    books: Reconciler,
) -> None:
    books.ingest(read_lines([page(row("t1"), row("t2", "Pending"))]))
    books.catch_up()

    with closing(sqlite3.connect(books.store.path)) as db:
        plan = [
            step[3]
            for step in db.execute(
                "EXPLAIN QUERY PLAN SELECT DISTINCT company_id, undecided,"
                " kind = 'CONFLICTING' FROM items WHERE undecided IS NOT NULL"
            )
        ]

    assert plan[0].endswith("USING COVERING INDEX items_undecided")


def test_views_whose_tables_are_of_another_version_are_made_anew(
    tmp_path: Path,
) -> None:
    path = tmp_path / "books.db"
    with Reconciler.open(f"sqlite:///{path}") as books:
        books.ingest(read_lines([page(row("t1"), row("t2", "Pending"))]))
        books.catch_up()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP INDEX items_undecided")
        db.execute("ALTER TABLE items DROP COLUMN undecided")
        now = f"views {VIEWS_VERSION}"
        db.execute("UPDATE made_by SET label = replace(label, ?, 'views 1')", (now,))
        db.commit()

    with Reconciler.open(f"sqlite:///{path}") as books:
        tied = books.tie_out()

        assert (tied.differences, tied.rows) == ([], 3)
