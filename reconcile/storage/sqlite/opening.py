"""The file of a SQLite store: opened, made, brought up to date, copied."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from reconcile.errors import NoStoreError, StoreError
from reconcile.storage.ports import Store
from reconcile.storage.sqlite.files import make_file
from reconcile.storage.sqlite.layout import LAYOUT, NAMES, bring_up_to_date, layout_of


def open_file(path: str, *, create: bool) -> Store:
    """Return the store in a file.

    Raises:
        NoStoreError: there is no store there and `create` is False.
        StoreError: it is not a store, or cannot be opened.

    """
    from reconcile.storage.sqlite.store import SqliteStore  # noqa: PLC0415 - not before a store is opened

    if not create:
        _check(path, may_be_empty=False)
    elif not Path(path).absolute().parent.is_dir():
        raise StoreError(f"{path} cannot be created: its folder does not exist")
    elif _is_file(path) and os.path.getsize(path):
        _check(path, may_be_empty=True)  # another process may just be creating it
    if create:
        check_writable(path)
        try:
            make_file(path)
        except OSError as error:
            raise StoreError(f"{path} cannot be created: {error.strerror}") from error
    return SqliteStore(path)


def migrate_file(path: str) -> list[str]:
    """Give a file the newest layout, or make it; return the steps that it took.

    Raises:
        StoreError: it is not a store, or cannot be written.

    """
    before = _layout_in(path)
    with open_file(path, create=True) as store:
        store.bring_up_to_date()
    done = [] if before is not None else ["0000 history"]
    steps = range((before or 0) + 1, LAYOUT + 1)
    return done + [f"{number:04} {NAMES[number - 1]}" for number in steps]


def _layout_in(path: str) -> int | None:
    if not _is_file(path) or not os.path.getsize(path):
        return None
    _check(path, may_be_empty=True)
    with closing(_read_only(path)) as db:
        return layout_of(db.cursor())


def file_sql() -> str:
    """Return the SQL of a new file: SQLite runs it for whoever makes one."""
    with closing(sqlite3.connect(":memory:")) as db:
        bring_up_to_date(db.cursor())
        rows = db.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"
            " AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        )
        statements = [f"{statement};\n" for (statement,) in rows]
    return "\n".join((*statements, f"PRAGMA user_version = {LAYOUT};\n"))


def files_at(path: str) -> list[Path]:
    """Return every file that the store at a path is made of, there or not."""
    names = dict.fromkeys((path, os.path.realpath(path)))  # SQLite resolves links
    return [Path(f"{name}{end}") for name in names for end in _FILES]


_FILES: Final = ("", "-wal", "-shm", "-journal")


def _check(path: str, *, may_be_empty: bool) -> None:
    """Refuse a path that holds no store, before the library would create one."""
    if not _is_file(path):
        raise NoStoreError(f"there is no store at {path}")
    try:
        with closing(_read_only(path)) as db:
            names = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(f"{path} is not a store: {error}") from error
    if "stored_events" not in names and not (may_be_empty and not names):
        raise StoreError(f"{path} is not a store: it holds no history")


def _is_file(path: str) -> bool:
    """Return whether there is a file.

    Raises:
        StoreError: nobody may look: its folder is closed to us.

    """
    try:
        return Path(path).is_file()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def _read_only(path: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)


def is_read_only(path: str) -> bool:
    """Return whether there is a store that this process may read, and not write."""
    file = Path(path)
    if not _is_file(path):  # first: another process may just be making it
        return False
    folder = file.absolute().parent
    return not (os.access(file, os.W_OK) and os.access(folder, os.W_OK | os.X_OK))


def check_writable(path: str) -> None:
    """Raise a StoreError where there is a store that may only be read."""
    if is_read_only(path):
        raise StoreError(
            f"{path} may only be read, expected a store whose file and folder"
            " can be written"
        )


def copy_of_read_only(path: str, target: Path) -> None:
    """Copy a store that may only be read.

    Raises:
        StoreError: it cannot be read.

    """
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


def copy_file(path: str, target: Path) -> None:
    """Copy everything to a new file, as one moment has it; its owner's alone."""
    from reconcile.storage.sqlite.engine import store_errors  # noqa: PLC0415 - not before a store is opened

    with store_errors(path):
        make_file(target)
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as db:
            db.execute("VACUUM INTO ?", (str(target),))


_WAIT_S: Final = 60.0
