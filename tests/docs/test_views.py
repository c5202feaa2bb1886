"""The page of the tables says what an engine has, and its SQL what a report says."""

import re

import pytest

from reconcile import Reconciler, read_lines
from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import ItemState
from reconcile.projections.rows import DATASET_COLUMNS, ITEM_COLUMNS, SYNC_COLUMNS
from tests.builders import at, create, page, row
from tests.docs.markdown import DOCS, fences, first_cells, quoted, sections
from tests.engines import columns_of, rows_of

REFERENCE = DOCS / "reference"


def test_every_table_and_column_is_documented_and_no_other(
    books: Reconciler, store_url: str, engine: str
) -> None:
    documented = {
        quoted(heading)[0]: first_cells(text)
        for heading, text in sections(REFERENCE / "views.md").items()
        if heading.startswith("`")
    }

    if engine == "postgresql":
        differing = sections(REFERENCE / "views.md")["Tables of PostgreSQL"]
        for line in re.findall(r"^\| `.*", differing, re.MULTILINE):
            name, *columns = quoted(line)
            documented[name] = columns

    books.catch_up()

    assert documented == columns_of(store_url)


def test_the_documented_views_are_those_that_the_rows_are_made_for() -> None:
    result = sections(REFERENCE / "views.md")

    for name, columns in (
        ("items", ITEM_COLUMNS),
        ("syncs", SYNC_COLUMNS),
        ("datasets", DATASET_COLUMNS),
    ):
        assert first_cells(result[f"`{name}`"]) == [c.name for c in columns]


@pytest.mark.parametrize("hours", [1, 27, 29])
def test_the_sql_of_the_views_agrees_with_the_report(
    books: Reconciler, store_url: str, engine: str, hours: int
) -> None:
    """An expense nobody decided is open, and stuck once its deadline has passed."""
    failed = page(row("t2", "PushError"), sync="s2")
    lines = [create("t1"), create("t2", sync="s2"), failed]
    books.ingest(read_lines(lines))
    books.catch_up()
    moment = at(60 * hours)
    query, _ = sql_of_views(engine, now=format_instant(moment))

    result = rows_of(store_url, query)

    broken = [
        (item.company_id, item.transaction_id, item.item.kind)
        for item in books.report(as_of=moment).items
        if item.item.state is ItemState.BREAK
    ]
    assert [line[:3] for line in result] == broken


def sql_of_views(engine: str, *, now: str) -> list[str]:
    """Return the documented queries as an engine takes them, at another moment."""
    queries = [f.text for f in fences(REFERENCE / "views.md") if f.language == "sql"]
    if engine == "sqlite":
        return [query.replace("'now'", f"'{now}'") for query in queries]
    spelt = sections(REFERENCE / "views.md")["SQL of PostgreSQL"]
    for line in re.findall(r"^\| `.*", spelt, re.MULTILINE):
        sqlite, postgres = quoted(line)
        queries = [query.replace(sqlite, postgres) for query in queries]
    return [query.replace("now()", f"'{now}'::timestamptz") for query in queries]


@pytest.mark.parametrize(
    ("minutes", "bucket"), [(2, "<1d"), (60 * 25, "1-7d"), (60 * 24 * 60, ">30d")]
)
def test_the_sql_of_ages_agrees_with_the_report(
    books: Reconciler, store_url: str, engine: str, minutes: int, bucket: str
) -> None:
    books.ingest(read_lines([create("t1"), page(row("t1", "PushError"), minutes=1)]))
    books.catch_up()
    moment = at(minutes)
    _, query = sql_of_views(engine, now=format_instant(moment))

    found = rows_of(store_url, query)

    (key,) = books.report(as_of=moment).totals.ageing
    assert [(str(key.bucket), 1)] == [(bucket, 1)] == [row[2:] for row in found]
