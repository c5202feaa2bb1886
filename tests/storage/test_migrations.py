"""Migrations of PostgreSQL: made by nobody else, refused politely, safe for two."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from reconcile import Reconciler, StoreError, UsageError
from reconcile.errors import NoStoreError
from reconcile.projections.rows import Column
from reconcile.storage.opening import migrate, migration_sql, open_store
from reconcile.storage.postgres.layout import migrations, newest
from reconcile.storage.tables import KEYS, ROWS
from tests.engines import (
    ROLE,
    columns_of,
    new_schema,
    postgres_server,
    rows_of,
    schema_of,
    tables_of,
    with_parameter,
    writer_role,
)

COMMAND = str(Path(sys.executable).parent / "reconcile")


@pytest.fixture
def empty() -> Iterator[str]:
    """Give the URL of a schema that nobody has made."""
    with new_schema() as url:
        yield url


@pytest.fixture
def migrated(empty: str) -> str:
    """Return the URL of a schema of its own, which a test may spoil."""
    migrate(empty)
    return empty


def is_there(url: str) -> bool:
    with psycopg.connect(postgres_server()) as db:
        found = db.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema_of(url)]
        ).fetchone()
    return found is not None


def versions(url: str) -> list[int]:
    rows = rows_of(url, "SELECT version FROM migrations ORDER BY 1")
    return [number for (number,) in rows]


def test_no_table_is_made_by_whoever_merely_opens_a_store(empty: str) -> None:
    for create in (True, False):
        with pytest.raises(NoStoreError, match="`reconcile migrate` makes them"):
            open_store(empty, create=create)
    with pytest.raises(NoStoreError):
        Reconciler.open(empty)

    assert not is_there(empty)


def test_a_migration_says_its_steps_and_the_next_one_has_none(empty: str) -> None:
    first, second = migrate(empty), migrate(empty)

    assert first == [f"{step.number:04} {step.name}" for step in migrations()]
    assert second == []
    assert versions(empty) == [step.number for step in migrations()]


def test_two_who_migrate_at_once_are_both_served(empty: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = [*threads.map(migrate, [empty] * 4)]

    assert sorted(map(len, done)) == [0, 0, 0, len(migrations())]
    with Reconciler.open(empty) as books:
        assert books.report().totals.items == 0


def test_a_migration_that_is_cut_off_leaves_nothing_behind(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = migrations()[-1]._replace(number=99, name="broken", sql="SELECT 1/0;")
    monkeypatch.setattr(
        "reconcile.storage.postgres.layout.migrations", lambda: (*migrations(), broken)
    )

    with pytest.raises(StoreError, match="division by zero"):
        migrate(empty)

    assert not is_there(empty)


def test_the_sql_that_is_printed_makes_the_same_tables(
    migrated: str,
) -> None:
    with new_schema() as by_hand:
        with psycopg.connect(postgres_server(), autocommit=True) as db:
            db.execute(migration_sql(by_hand, writer=writer_role()).encode())

        assert columns_of(by_hand) == columns_of(migrated)
        assert migrate(by_hand) == []
        mine = with_parameter(by_hand, f"user={ROLE}&password={ROLE}")
        with Reconciler.open(mine) as books:
            assert books.report().totals.items == 0


TYPES = {str: "text", int: "bigint", bytes: "bytea"}


def stored_columns(url: str, table: str) -> tuple[Column, ...]:
    kinds = {name: kind for kind, name in TYPES.items()}
    rows = rows_of(
        url,
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position",
        *(schema_of(url), table),
    )
    return tuple(Column(name, kinds[kind], null == "YES") for name, kind, null in rows)


def test_the_view_tables_are_those_that_the_rows_are_made_for(migrated: str) -> None:
    assert {table: stored_columns(migrated, table) for table in ROWS} == ROWS


def test_every_view_table_has_its_key_and_orders_by_bytes(migrated: str) -> None:
    keys = rows_of(
        migrated,
        "SELECT c.relname, array_agg(a.attname ORDER BY a.attnum)::text[]"
        " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indisprimary AND c.relnamespace = ?::regnamespace GROUP BY 1",
        schema_of(migrated),
    )
    others = rows_of(
        migrated,
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = ? AND data_type = 'text'"
        " AND collation_name IS DISTINCT FROM 'C'"
        " AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = ?)",
        *[schema_of(migrated)] * 2,
    )

    found = {name: columns for name, columns in keys if name in ROWS}
    assert found == {table: ["company_id", key] for table, key in KEYS.items()}
    assert set(others) == {  # words for people, which nothing is sorted by
        ("migrations", "name"),
        ("poisoned", "reason"),
        ("made_by", "label"),
    }


def test_an_older_layout_is_refused_until_it_is_migrated(migrated: str) -> None:
    with tables_of(migrated) as tables:
        tables.run("DELETE FROM migrations WHERE version = ?", newest())

    words = f"its layout is {newest() - 1}, expected {newest()}: `reconcile migrate`"
    with pytest.raises(StoreError, match=words):
        open_store(migrated, create=False)

    assert len(migrate(migrated)) == 1
    open_store(migrated, create=False).close()


def test_a_later_layout_is_refused_and_left_as_it_is(migrated: str) -> None:
    with tables_of(migrated) as tables:
        tables.run("INSERT INTO migrations VALUES (?, 'later')", newest() + 1)

    for use in (lambda: open_store(migrated, create=False), lambda: migrate(migrated)):
        with pytest.raises(StoreError, match="was written by a later version"):
            use()

    assert versions(migrated)[-1] == newest() + 1


def test_an_event_that_is_missing_is_damage(migrated: str) -> None:
    with Reconciler.open(migrated) as books:
        with tables_of(migrated) as tables:
            tables.run("UPDATE book SET last = 3")

        with pytest.raises(
            StoreError, match=r"is damaged: 0 events .* at each up to 3"
        ):
            books.store.check()


def test_a_writer_may_read_and_write_and_change_no_table(migrated: str) -> None:
    migrate(migrated, writer=writer_role())
    mine = with_parameter(postgres_server(), f"user={ROLE}&password={ROLE}")
    schema = schema_of(migrated)

    for statement in (
        f"CREATE TABLE {schema}.more (one int)",
        f"ALTER TABLE {schema}.items ADD COLUMN more int",
        f"DROP TABLE {schema}.items",
        f"TRUNCATE {schema}.stored_events",
        f"CREATE SCHEMA more_{schema}",
        f"INSERT INTO {schema}.migrations VALUES (99, 'mine')",
        f"UPDATE {schema}.stored_events SET state = ''",
        f"DELETE FROM {schema}.stored_events",
    ):
        with (
            psycopg.connect(mine) as db,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            db.execute(statement.encode())


def test_whoever_may_not_make_tables_is_told_in_a_sentence(
    empty: str, migrated: str
) -> None:
    writer_role()
    for url in (empty, migrated):
        mine = with_parameter(url, f"user={ROLE}&password={ROLE}")
        with pytest.raises(StoreError, match=r"cannot be (used|read)") as raised:
            migrate(mine)
        assert f"password={ROLE}" not in str(raised.value)


def test_a_role_that_has_no_right_to_a_store_is_told_so(migrated: str) -> None:
    writer_role()

    with pytest.raises(StoreError, match="this role may not do that"):
        open_store(
            with_parameter(migrated, f"user={ROLE}&password={ROLE}"), create=False
        )


def test_a_role_that_is_not_there_is_named(empty: str) -> None:
    with pytest.raises(StoreError, match='role "nobody" does not exist'):
        migrate(empty, writer="nobody")

    assert not is_there(empty)


def test_the_command_migrates_and_prints(empty: str) -> None:
    def run(*words: str) -> tuple[int, str]:
        ended = subprocess.run(
            [COMMAND, "--store", empty, *words],
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    before, printed = run("report"), run("migrate", "--sql")
    first, second, after = run("migrate"), run("migrate"), run("report")

    assert before[0] != 0
    assert "`reconcile migrate` makes them" in before[1]
    assert (printed[0], first[0], second[0], after[0]) == (0, 0, 0, 0)
    assert "CREATE TABLE" in printed[1]
    assert "0001 history: done" in first[1]
    assert "The store is up to date." in second[1]


def test_a_file_is_migrated_by_the_same_words_and_knows_no_role(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('file') / 'books.db'}"

    migrate(url)
    assert migrate(url) == []
    with Reconciler.open(url, create=False) as books:
        assert books.report().totals.items == 0
    with pytest.raises(UsageError, match="a file knows no role 'me'"):
        migrate(url, writer="me")
