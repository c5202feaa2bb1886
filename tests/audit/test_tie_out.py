"""The tie-out: each way in which a view can differ from the history is found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile import Difference, Reconciler, TieOut, read_lines
from reconcile.storage.ports import ViewTable
from reconcile.storage.tables import ROWS
from tests.builders import COMPANY, SYNC, page, push, row, start, status, uuid_of
from tests.engines import Tables, tables_of, url_at

pytestmark = pytest.mark.usefixtures("engine")


ONE = uuid_of(1)
LINES = (
    push(ONE),
    start(minutes=1),
    status(2000, minutes=2),
    page(row(ONE), minutes=3),
)

Change = Callable[[Tables], object]


def tied(folder: Path, *changes: Change) -> TieOut:
    """Return the tie-out of a small store whose views were changed from outside."""
    path = folder / "books.db"
    with Reconciler.open(url_at(path)) as books:
        books.ingest(read_lines(LINES))
        books.catch_up()
    with tables_of(url_at(path)) as tables:
        for change in changes:
            change(tables)
    with Reconciler.open(url_at(path)) as books:
        return books.tie_out()


def places(result: TieOut) -> list[tuple[str, str, str, str | None]]:
    return [
        (found.table, found.company_id, found.name, found.column)
        for found in result.differences
    ]


def execute(sql: str) -> Change:
    return lambda tables: tables.run(sql)


def copy_rows(table: ViewTable, column: str, value: str) -> Change:
    """Return what adds a table's rows once more, with another value in a column."""

    def copy(tables: Tables) -> None:
        columns = [kind.name for kind in ROWS[table]]
        chosen = ", ".join("?" if name == column else name for name in columns)
        tables.run(f"INSERT INTO {table} SELECT {chosen} FROM {table}", value)

    return copy


def test_views_that_nobody_changed_agree_row_by_row(tmp_path: Path) -> None:
    result = tied(tmp_path)

    assert (result.differences, result.rows, result.poisoned) == ([], 4, 0)


def test_an_empty_store_agrees(tmp_path: Path) -> None:
    with Reconciler.open(url_at(tmp_path / "books.db")) as books:
        result = books.tie_out()

    assert (result.differences, result.rows, result.position) == ([], 0, 0)


def test_a_value_that_was_changed_is_named_by_its_column(tmp_path: Path) -> None:
    result = tied(tmp_path, execute("UPDATE items SET state = 'break'"))

    (difference,) = result.differences
    assert difference == Difference(
        table="items",
        company_id=COMPANY,
        name=ONE,
        column="state",
        live="break",
        replayed="matched",
    )


@pytest.mark.parametrize(
    ("table", "name"), [("items", ONE), ("syncs", SYNC), ("datasets", None)]
)
def test_a_row_that_was_deleted_is_a_difference(
    tmp_path: Path, table: str, name: str | None
) -> None:
    result = tied(tmp_path, execute(f"DELETE FROM {table}"))

    (difference,) = result.differences
    assert (difference.table, difference.live) == (table, None)
    assert difference.replayed is not None
    assert name in (None, difference.name)


def test_a_row_that_no_event_explains_is_a_difference(tmp_path: Path) -> None:
    result = tied(tmp_path, copy_rows("items", "transaction_id", uuid_of(2)))

    assert places(result) == [("items", COMPANY, uuid_of(2), None)]
    assert result.differences[0].replayed is None


def test_a_company_that_the_history_does_not_know_is_a_difference(
    tmp_path: Path,
) -> None:
    result = tied(tmp_path, copy_rows("syncs", "company_id", "stranger"))

    assert places(result) == [("syncs", "stranger", SYNC, None)]


def test_an_event_that_was_damaged_is_counted(tmp_path: Path) -> None:
    def damage(tables: Tables) -> None:
        first = f"WHERE {tables.position} = 1"
        tables.run(f"UPDATE stored_events SET state = ? {first}", b"\0")

    result = tied(tmp_path, damage)

    assert result.poisoned == 1
    assert result.differences != []
