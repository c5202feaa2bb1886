"""The URL of a PostgreSQL store: what of it is ours, and what nonsense in it says."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import starmap
from typing import Any
from urllib.parse import quote, unquote

import psycopg
import pytest
from psycopg import sql

from reconcile import Reconciler, StoreError, UsageError, read_lines
from reconcile.readmodels.parallel import Here
from reconcile.storage.opening import environment_of, migrate, open_store
from reconcile.storage.postgres.location import SCHEMA, location_of
from tests.builders import at, create
from tests.engines import (
    WRITER,
    new_store,
    postgres_server,
    rows_of,
    schema_of,
    tables_of,
    with_parameter,
)
from tests.storage.opened import begun

SECRET = "hunter2"  # noqa: S105 - nobody's
BASE = f"postgresql://ann:{SECRET}@db.example:6432/books"


def test_a_url_without_parameters_has_those_that_are_documented() -> None:
    found = location_of("postgresql://db.example/books")

    assert (found.schema, found.pool_size, found.lock_timeout_s) == (SCHEMA, 10, 60)
    assert (found.statement_timeout_s, found.idle_timeout_s) == (0, 30)
    assert found.prepares
    assert found.name == "postgresql://db.example/books (schema reconcile)"


def test_our_parameters_are_taken_out_and_libpqs_are_left() -> None:
    found = location_of(
        f"{BASE}?sslmode=verify-full&schema=north&pool_size=3&lock_timeout=5"
        "&statement_timeout=7&idle_timeout=8&prepare=0&application_name=office&connect_timeout=9"
    )

    assert (found.schema, found.pool_size, found.lock_timeout_s) == ("north", 3, 5)
    assert (found.statement_timeout_s, found.idle_timeout_s) == (7, 8)
    assert not found.prepares
    given = psycopg.conninfo.conninfo_to_dict(found.conninfo)
    assert {name: given[name] for name in ("sslmode", "application_name", "port")} == {
        "sslmode": "verify-full",
        "application_name": "office",
        "port": "6432",
    }
    assert (given["connect_timeout"], given["password"]) == ("9", SECRET)


def test_no_message_has_the_password() -> None:
    found = location_of(BASE)

    assert SECRET not in found.name
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("pool_size=2", "the URL's pool_size is '2', expected a whole number from 3"),
        ("pool_size=many", "the URL's pool_size is 'many', expected a whole number"),
        ("pool_size=", "the URL's pool_size is '', expected a whole number"),
        ("lock_timeout=-1", "the URL's lock_timeout is '-1', expected a whole number"),
        ("statement_timeout=1.5", "the URL's statement_timeout is '1.5', expected"),
        ("prepare=2", "the URL's prepare is '2', expected a whole number from 0 to 1"),
        ("prepare=yes", "the URL's prepare is 'yes', expected a whole number"),
        (f"schema={'s' * 64}", "expected at most 63 bytes, without a percent sign"),
        ("schema=a%25b", "the URL's schema is 'a%b', expected at most 63 bytes"),
        ("schema=a%00b", "expected at most 63 bytes"),
        (
            "shcema=north",
            "has a parameter 'shcema', expected one of libpq's or of schema",
        ),
        ("sslmode", "the URL of the store cannot be read"),
    ],
)
def test_nonsense_in_a_url_is_one_sentence_without_its_password(
    query: str, words: str
) -> None:
    with pytest.raises(UsageError) as raised:
        open_store(f"{BASE}?{query}", create=False)

    text = str(raised.value)
    assert words in text
    assert SECRET not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@db.example:port/books",
        f"postgresql://ann:{SECRET}@[::1/books",
        f"postgresql://ann:{SECRET}@db.example/books?%zz=1",
        f"postgresql://ann@h/b?password={SECRET}%zz",
        f"postgresql://ann:{SECRET}%zz@h/b",
        f"postgresql://ann:{SECRET}/more@h/b",
        f"postgresql://ann:more@{SECRET}@h/b",
    ],
)
def test_a_url_that_cannot_be_read_shows_no_password(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        open_store(url, create=False)

    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("password", ["a+b", "a%2Bb", "a?b", "a#b", "a%26b%40c"])
def test_a_password_reaches_the_server_as_libpq_reads_it(password: str) -> None:
    for url in (
        f"postgresql://ann:{password}@h/b?schema=s&sslmode=prefer",
        f"postgresql://ann@h/b?schema=s&password={password}",
    ):
        given = psycopg.conninfo.conninfo_to_dict(location_of(url).conninfo)
        assert given["password"] == unquote(password)
        assert location_of(url).schema == "s"


def test_a_url_may_name_several_hosts_and_none() -> None:
    several = location_of("postgresql://a:5432,b:6432/books?target_session_attrs=any")
    none = location_of("postgresql:///books?host=/run/postgresql&schema=s")

    assert several.name == "postgresql://a,b:5432,6432/books (schema reconcile)"
    assert none.name == "postgresql:///books (schema s)"


class Showing(Here):
    """Works in this process, and notes how each task would be logged."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], **_: Any
    ) -> Iterator[Any]:
        """Note the tasks, and work on them."""
        tasks = [*zip(*iterables, strict=True)]
        self.shown += map(repr, tasks)
        return starmap(fn, tasks)


def test_a_task_that_an_executor_logs_shows_no_password() -> None:
    with new_store(WRITER) as url, Reconciler.open(url) as books:
        books.ingest(read_lines([create("t1")]))
        executor = Showing()

        books.replayed_report(as_of=at(9), executor=executor)
        books.tie_out(executor=executor)

    assert "password=" in url
    assert len(executor.shown) == 2
    assert not any("password" in task for task in executor.shown)


def test_a_server_that_is_not_there_is_one_sentence_without_a_password() -> None:
    url = f"postgresql://ann:{SECRET}@127.0.0.1:1/books?connect_timeout=2"
    with pytest.raises(StoreError) as raised:
        open_store(url, create=False)

    text = str(raised.value)
    assert text.startswith("postgresql://127.0.0.1:1/books (schema reconcile) ")
    assert SECRET not in text
    assert "\n" not in text


@pytest.mark.parametrize("schema", ["north west", 'a"b', "Ä", "select", "x;--", "'"])
def test_a_schema_may_have_any_name(schema: str) -> None:
    url = with_parameter(postgres_server(), f"schema={quote(schema)}")
    try:
        migrate(url)
        with open_store(url, create=False) as store:
            store.append([begun(1)], (), recorded_at=at(0))
            assert store.position() == 1
        assert rows_of(url, "SELECT last FROM book") == [(1,)]
    finally:
        with psycopg.connect(postgres_server()) as db:
            name = sql.Identifier(schema).as_string()
            db.execute("SET LOCAL client_min_messages = warning")
            db.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())


def test_books_of_one_database_know_nothing_of_each_other() -> None:
    with new_store("postgresql") as first, new_store("postgresql") as other:
        with open_store(first, create=False) as store:
            store.append([begun(1), begun(2)], (), recorded_at=at(0))
        with open_store(other, create=False) as store:
            assert (store.position(), store.companies()) == (0, [])
            store.append([begun(1)], (), recorded_at=at(0))

        assert schema_of(first) != schema_of(other)
        assert rows_of(first, "SELECT last FROM book") == [(2,)]


def sessions(name: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(postgres_server()) as db:
        return db.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s", [name]
        ).fetchall()


def test_no_more_connections_are_made_than_the_url_allows() -> None:
    with new_store("postgresql") as url:
        mine = with_parameter(url, "pool_size=3&application_name=pool-of-three")
        with open_store(mine, create=False) as store, ThreadPoolExecutor(8) as threads:
            assert [*threads.map(lambda _: store.position(), range(50))] == [0] * 50
            assert 1 <= len(sessions("pool-of-three")) <= 3


def test_a_store_that_is_closed_leaves_no_connection_behind() -> None:
    with new_store("postgresql") as url:
        open_store(
            with_parameter(url, "application_name=closed-again"), create=False
        ).close()
        give_up_at = time.monotonic() + 10
        while sessions("closed-again"):  # the server sees it a moment later
            assert time.monotonic() < give_up_at
            time.sleep(0.01)


def test_who_waits_longer_for_a_lock_than_the_url_allows_is_told_so() -> None:
    with new_store("postgresql") as url:
        mine = with_parameter(url, "lock_timeout=1")
        with open_store(mine, create=False) as store:
            with tables_of(url) as tables:
                tables.run("LOCK TABLE book IN ACCESS EXCLUSIVE MODE")
                with pytest.raises(StoreError, match="longer than lock_timeout"):
                    store.append([begun(1)], (), recorded_at=at(0))
            store.append([begun(1)], (), recorded_at=at(0))
            assert store.position() == 1


def test_a_statement_that_takes_longer_than_the_url_allows_is_told_so() -> None:
    with new_store("postgresql") as url:
        mine = with_parameter(url, "lock_timeout=0&statement_timeout=1")
        with open_store(mine, create=False) as store, tables_of(url) as tables:
            tables.run("LOCK TABLE book IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreError, match="longer than statement_timeout"):
                store.position()


def test_without_prepared_statements_all_is_as_with_them() -> None:
    with new_store("postgresql") as url:
        mine = with_parameter(url, "prepare=0&pool_size=3")
        with open_store(mine, create=False) as store:
            for version in range(1, 12):  # psycopg prepares after five
                store.append([begun(version)], (), recorded_at=at(0))
                assert store.version_of("sync:c:s") == version


def test_the_variables_of_eventsourcing_name_a_store() -> None:
    url = environment_of(
        {
            "POSTGRES_DBNAME": "my books",
            "POSTGRES_HOST": "db.example",
            "POSTGRES_PORT": "6432",
            "POSTGRES_USER": "ann",
            "POSTGRES_PASSWORD": "p@ss/w?rd&",
            "POSTGRES_SCHEMA": "north",
        }
    )
    found = location_of(url)
    given = psycopg.conninfo.conninfo_to_dict(found.conninfo)

    assert (found.schema, given["dbname"], given["host"]) == (
        *("north", "my books", "db.example"),
    )
    assert (given["user"], given["password"]) == ("ann", "p@ss/w?rd&")
    assert "p@ss" not in found.name
