"""Which syncs a follower reads again: by columns, and the same as by the facts."""

import json

from reconcile import Reconciler, read_lines
from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.vocabulary import UNDECIDED_WORDS
from tests.builders import COMPANY, SYNC, at, hook, page, push, row, start, status
from tests.engines import rows_of
from tests.laws import law
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
NAMED_BY_FACTS_IN_POSTGRES = """
    SELECT items.company_id, read ->> 0,
        MAX(CASE items.kind WHEN 'CONFLICTING' THEN 'conflicting' ELSE 'open' END)
    FROM items, jsonb_array_elements(convert_from(items.facts, 'UTF8')::jsonb -> 0)
        AS read, jsonb_array_elements(read -> 3) AS leg
    WHERE items.kind = 'CONFLICTING'
        OR ((items.state = 'open' OR items.stuck_after IS NOT NULL)
            AND leg ->> 1 IN (SELECT jsonb_array_elements_text(?::jsonb)))
    GROUP BY 1, 2
"""


def by_columns(books: Reconciler) -> set[tuple[str, str, str]]:
    """Return the syncs that some item names, as the store finds them."""
    with books.store.reading() as views:
        return {
            (sync.company_id, sync.sync_id, sync.unsettled)
            for sync in views.unfinished_syncs(now=END_OF_TIME)
            if sync.unsettled is not None
        }


def by_facts(url: str) -> set[tuple[str, str, str]]:
    """Return the syncs that the facts of some item name."""
    words = json.dumps(UNDECIDED_WORDS)
    if url.startswith("sqlite:///"):
        return {*rows_of(url, NAMED_BY_FACTS, words)}
    return {*rows_of(url, NAMED_BY_FACTS_IN_POSTGRES, words)}


@law(examples=150, lines=traffic() | crowded())
def test_the_columns_name_the_syncs_that_the_facts_name(
    url: str, lines: list[bytes]
) -> None:
    with Reconciler.open(url) as books:
        books.ingest(read_lines(lines))
        books.catch_up()

        assert by_columns(books) == by_facts(url)


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
