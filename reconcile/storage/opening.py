"""Which store a URL or a mapping names: an engine is imported when its URL is seen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconcile.errors import UsageError
from reconcile.storage.ports import Store
from reconcile.storage.sqlite import opening as sqlite

SQLITE: Final = "sqlite:///"
POSTGRES: Final = ("postgresql://", "postgres://")


def open_store(url: str, *, create: bool) -> Store:
    """Return the store a URL names.

    `sqlite:///PATH`, with four slashes from the root, or `postgresql://…` as libpq
    takes it, with the name of a schema as the parameter `schema`. `create` makes a file
    that is missing; the tables of PostgreSQL are made by `migrate` alone.

    Raises:
        UsageError: the URL names no store we know.
        NoStoreError: there is no store there, and none may be made.
        StoreError: it is not a store, or cannot be opened.

    """
    if is_postgres(url):
        _check_driver()
        from reconcile.storage.postgres.store import PostgresStore  # noqa: PLC0415

        return PostgresStore(url)
    return sqlite.open_file(path_of(url), create=create)


def migrate(url: str, *, writer: str | None = None) -> list[str]:
    """Give the store a URL names the newest tables; return the steps that it took.

    `writer` is a role of PostgreSQL's that may then read and write the tables, and no
    more.

    Raises:
        UsageError: the URL names no store we know, or a role of a file.
        StoreError: it cannot be done.

    """
    if is_postgres(url):
        _check_driver()
        from reconcile.storage.postgres import layout, location  # noqa: PLC0415

        done = layout.migrate(location.location_of(url), writer=writer)
        return [f"{step.number:04} {step.name}" for step in done]
    _refuse_role(writer)
    return sqlite.migrate_file(path_of(url))


def migration_sql(url: str, *, writer: str | None = None) -> str:
    """Return the SQL by which somebody else can make the newest tables.

    Raises:
        UsageError: the URL names no store we know, or a role of a file.

    """
    if is_postgres(url):
        _check_driver()
        from reconcile.storage.postgres import layout, location  # noqa: PLC0415

        schema = location.location_of(url).schema
        steps = layout.statements(schema, layout.migrations(), first=True)
        return "\n".join((*steps, *layout.grants(schema, writer)))
    path_of(url)
    _refuse_role(writer)
    return sqlite.file_sql()


def is_postgres(url: str) -> bool:
    """Return whether a URL names a PostgreSQL store."""
    return url.startswith(POSTGRES)


def path_of(url: str) -> str:
    """Return the path of the file that a URL names.

    Raises:
        UsageError: the URL names no store we know.

    """
    if not url.startswith(SQLITE) or url == SQLITE:
        kind = url.partition(":")[0] if ":" in url else url  # the rest may be secret
        raise UsageError(
            f"{kind!r} is not the URL of a store, expected sqlite:///PATH or"
            " postgresql://HOST/DATABASE"
        )
    return url.removeprefix(SQLITE)


def absolute_url(url: str) -> str:
    """Return the URL of the same store for a process that runs in another folder.

    Raises:
        UsageError: the URL names no store we know.

    """
    return url if is_postgres(url) else f"{SQLITE}{Path(path_of(url)).absolute()}"


def files_of(url: str) -> list[Path]:
    """Return every file of this machine that a store is made of, there or not.

    Raises:
        UsageError: the URL names no store we know.

    """
    return [] if is_postgres(url) else sqlite.files_at(path_of(url))


def is_read_only(url: str) -> bool:
    """Return whether there is a store that this process may read, and not write."""
    return not is_postgres(url) and sqlite.is_read_only(path_of(url))


def check_writable(url: str) -> None:
    """Raise a StoreError where there is a store that may only be read."""
    if not is_postgres(url):
        sqlite.check_writable(path_of(url))


def copy_file(path: str, target: Path) -> None:
    """Copy a SQLite file to a new one, as one moment has it; its owner's alone.

    Raises:
        StoreError: it cannot be read, or the new one not be written.

    """
    sqlite.copy_file(path, target)


def copy_of_read_only(url: str, target: Path) -> None:
    """Copy a store that may only be read.

    Raises:
        StoreError: it cannot be read.

    """
    sqlite.copy_of_read_only(path_of(url), target)


def environment_of(mapping: Mapping[str, str]) -> str:
    """Return the URL of the store that an eventsourcing environment mapping names.

    Raises:
        UsageError: the mapping names no SQLite file and no PostgreSQL database.

    """
    if mapping.get("SQLITE_DBNAME"):
        return f"{SQLITE}{mapping['SQLITE_DBNAME']}"
    if mapping.get("POSTGRES_DBNAME"):
        _check_driver()
        from reconcile.storage.postgres.location import url_of  # noqa: PLC0415

        return url_of(mapping)
    raise UsageError(
        "the environment mapping lacks the name of a store, expected SQLITE_DBNAME"
        " or POSTGRES_DBNAME"
    )


def _check_driver() -> None:
    try:
        import psycopg  # noqa: F401, PLC0415
        import psycopg_pool  # noqa: F401, PLC0415
    except ImportError as error:
        raise UsageError(
            "psycopg is missing, which PostgreSQL stores are read with: expected"
            " pip install 'codat-reconcile[postgres]'"
        ) from error


def _refuse_role(writer: str | None) -> None:
    if writer is not None:
        raise UsageError(
            f"a file knows no role {writer!r}, expected a role of a PostgreSQL store"
        )
