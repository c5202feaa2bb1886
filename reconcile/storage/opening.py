"""Which store a URL or a mapping names, and whether it is one."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from reconcile.errors import NoStoreError, StoreError, UsageError
from reconcile.storage.ports import Store
from reconcile.storage.sqlite.files import make_file
from reconcile.storage.sqlite.store import SqliteStore


def open_store(url: str, *, create: bool) -> Store:
    """Return the store a URL names; `sqlite:///PATH`, with four slashes from the root.

    Raises:
        UsageError: the URL names no store we know.
        NoStoreError: there is no store there and `create` is False.
        StoreError: it is not a store, or cannot be opened.

    """
    path = _path_of(url)
    if not create:
        _check(path, may_be_empty=False)
    elif not Path(path).absolute().parent.is_dir():
        raise StoreError(f"{path} cannot be created: its folder does not exist")
    elif Path(path).exists() and os.path.getsize(path):
        _check(path, may_be_empty=True)  # another process may just be creating it
    if create:
        check_writable(url)
        try:
            make_file(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be created: {error.strerror}") from error
    return SqliteStore(path)


def files_of(url: str) -> list[Path]:
    """Return every file that the store a URL names is made of, there or not.

    Raises:
        UsageError: the URL names no store we know.

    """
    path = _path_of(url)
    names = dict.fromkeys((path, os.path.realpath(path)))  # SQLite resolves links
    return [Path(f"{name}{end}") for name in names for end in _FILES]


_FILES: Final = ("", "-wal", "-shm", "-journal")


def _path_of(url: str) -> str:
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url == prefix:
        kind = url.partition(":")[0] if ":" in url else url  # the rest may be secret
        raise UsageError(f"{kind!r} is not the URL of a store, expected sqlite:///PATH")
    return url.removeprefix(prefix)


def _check(path: str, *, may_be_empty: bool) -> None:
    """Refuse a path that holds no store, before the library would create one."""
    if not Path(path).is_file():
        raise NoStoreError(f"there is no store at {path}")
    try:
        url = f"{Path(path).absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(url, uri=True)) as db:
            names = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is not a store: {error}") from error
    if "stored_events" not in names and not (may_be_empty and not names):
        raise StoreError(f"{path} is not a store: it holds no history")


def is_read_only(url: str) -> bool:
    """Return whether there is a store that this process may read, and not write."""
    path = Path(_path_of(url))
    if not path.is_file():  # first: another process may just be making it
        return False
    folder = path.absolute().parent
    return not (os.access(path, os.W_OK) and os.access(folder, os.W_OK | os.X_OK))


def check_writable(url: str) -> None:
    """Raise a StoreError where there is a store that may only be read."""
    if is_read_only(url):
        raise StoreError(
            f"{_path_of(url)} may only be read, expected a store whose file and folder"
            " can be written"
        )


def copy_of_read_only(url: str, target: Path) -> None:
    """Copy a store that may only be read.

    Raises:
        StoreError: it cannot be read.

    """
    path = _path_of(url)
    log = Path(f"{path}-wal")
    is_still = not log.exists() or not log.stat().st_size  # nothing beside the file
    uri = f"{Path(path).absolute().as_uri()}?{'immutable=1' if is_still else 'mode=ro'}"
    make_file(target)
    try:
        with (
            closing(sqlite3.connect(uri, uri=True)) as store,
            closing(sqlite3.connect(target)) as copy,
        ):
            store.backup(copy)
    except sqlite3.Error as error:
        raise StoreError(
            f"{path} may only be read, and cannot be copied to be read: {error}"
        ) from error


def sqlite_version() -> tuple[int, int, int]:
    """Return the version of the SQLite that Python has."""
    return sqlite3.sqlite_version_info


def environment_of(mapping: Mapping[str, str]) -> str:
    """Return the URL of the store that an eventsourcing environment mapping names.

    Raises:
        UsageError: the mapping names no SQLite file.

    """
    name = mapping.get("SQLITE_DBNAME")
    if not name:
        raise UsageError("the environment mapping has no SQLITE_DBNAME")
    return f"sqlite:///{name}"
