"""A worksheet's file: a scratch file that may be deleted at any time, and made anew."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from reconcile.errors import StoreError, UsageError
from reconcile.storage.sqlite.files import make_file
from reconcile.storage.worksheet.read import SheetReads
from reconcile.storage.worksheet.schema import APPLICATION_ID
from reconcile.storage.worksheet.write import SheetWrites

_WAIT_S: Final = 10
_HEADER: Final = b"SQLite format 3\x00"
_AT_APPLICATION_ID: Final = 68
_CACHE_KIB: Final = 32 * 1024


class WorksheetDamagedError(StoreError):
    """The file is damaged: it is to be deleted, and made anew."""


class WorksheetBusyError(StoreError):
    """Another process has been writing the file for longer than we wait."""


class WorksheetFile:
    """One worksheet, for those who write and read it; each has a connection.

    Raises:
        UsageError: there is a file of something else.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._check_ours()

    @contextmanager
    def reading(self) -> Iterator[SheetReads]:
        """Give the rows in one consistent read.

        Raises:
            StoreError: the file cannot be made.
            WorksheetDamagedError: they cannot be read.

        """
        with self._errors(), closing(self._connect()) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            yield SheetReads(connection)

    @contextmanager
    def writing(self) -> Iterator[SheetWrites]:
        """Give what writes, nobody else meanwhile; undone where an exception comes.

        Raises:
            StoreError: the file cannot be made.
            WorksheetDamagedError: the file cannot be used.

        """
        with self._errors(), closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            writes = SheetWrites(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not writes.fits():
                    writes.begin_anew()
                yield writes
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def delete(self) -> None:
        """Delete the file, and what SQLite has beside it."""
        for ending in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                os.unlink(f"{self.path}{ending}")

    def _connect(self) -> sqlite3.Connection:
        self._make()
        connection = sqlite3.connect(
            self.path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _make(self) -> None:
        """Make an empty file unless there is one; its folder, where that is gone."""
        try:
            with suppress(FileExistsError):
                self.path.parent.mkdir(0o700)  # machines clear out what is temporary
            make_file(self.path)  # nobody else may read what our host may
        except OSError as error:
            raise StoreError(
                f"the worksheet {self.path} cannot be made: {error.strerror}"
            ) from error

    def _check_ours(self) -> None:
        try:
            with self.path.open("rb") as file:
                head = file.read(100)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(
                f"{self.path} cannot be read ({error.strerror}), expected a file for"
                " the worksheet"
            ) from error
        number = head[_AT_APPLICATION_ID : _AT_APPLICATION_ID + 4]
        if head and (
            not head.startswith(_HEADER)
            or int.from_bytes(number, "big") != APPLICATION_ID
        ):
            raise UsageError(
                f"{self.path} is a file of something else, expected a worksheet or none"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            why = f"the worksheet {self.path} cannot be used: {error}"
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code == sqlite3.SQLITE_BUSY:
                raise WorksheetBusyError(why) from error
            if code in _OF_OUR_MACHINE:
                raise StoreError(why) from error
            raise WorksheetDamagedError(why) from error


_OF_OUR_MACHINE: Final = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
)
"""What a new file would not mend."""
