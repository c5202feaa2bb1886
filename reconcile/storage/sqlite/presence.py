"""Whether the file that a store was opened on still stands at its path.

Without it, a process would go on writing into a file that was deleted, moved or
replaced, and tell others that what went there is kept.
"""

import os
import secrets
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from reconcile.errors import StoreLostError
from reconcile.quiet import logger

GONE: Final = "its file was deleted or moved"
REPLACED: Final = "its file was replaced by another"
OVERWRITTEN: Final = (
    "its file was overwritten or cut short while in use: stop every process that uses"
    " it, and restore it"
)
BESIDE: Final = "a file that SQLite keeps beside it (-wal, -shm) was deleted or moved"
LEFT_OUT: Final = f"{BESIDE}, and what it held is missing from the store"
HELD: Final = f"{BESIDE}, and another process still has it open: stop that one"
NO_STORE: Final = "its file was replaced by one that holds no history"
DAMAGED: Final = "its file was replaced by one that cannot be read"
OLDER: Final = "its file was replaced by one that lacks what was acknowledged"
ANOTHER: Final = "its file was replaced by one of another history"

_LOG: Final = logger("storage")
_Identity = tuple[int, int]
_Sides = tuple[_Identity | None, _Identity | None]  # of -wal and of -shm


@attrs.frozen
class Mark:
    """How far a history went when somebody was told of it: its end, and that row."""

    position: int = 0
    row: tuple[Any, ...] | None = None
    evidence: int = 0


class Presence:
    """What one process knows of the file behind its connections."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)  # wherever the process goes from here
        self.file: _Identity | None = None
        self.is_let_go = False
        self.mark = Mark()
        self.seen = 0
        self._sides: _Sides = (None, None)
        self._real = self.path
        self._touched: tuple[int, int] = (0, 0)
        self._proof = (0, 0)  # a position, and how many events end there
        self._is_overwritten = False
        self._is_reopened = False
        self._shm_was: _Identity | None = None
        self._refused: tuple[object, str] | None = None
        self._lock = threading.Lock()

    # While connections are open

    def learn(self, stands: os.stat_result) -> None:
        """Remember the file that a connection was just made to, where none was known.

        What is beside it is known when a connection has made it: `learn_sides`.
        """
        if self.file is None:
            self._real = os.path.realpath(self.path)
            self._touched = (stands.st_mtime_ns, stands.st_size)
            self._proof = (0, 0)
            self._is_overwritten = self.is_let_go = False
            self._sides = (None, None)
            self._refused = None
            self.file = (stands.st_dev, stands.st_ino)

    def learn_sides(self) -> None:
        """Remember the files beside it, as soon as a connection has made them."""
        if None in self._sides and self.file is not None and not self.is_let_go:
            wal, shm = self._sides
            self._sides = (
                wal or _identity(f"{self._real}-wal"),
                shm or _identity(f"{self._real}-shm"),
            )
            if self._is_reopened and None not in self._sides:
                _REOPENED[self.file] = self._sides
                self._is_reopened = False

    def remember(self, mark: Mark) -> None:
        """Remember what was committed, and is about to be acknowledged."""
        with self._lock:
            if mark.position >= self.mark.position:
                evidence = max(mark.evidence, self.mark.evidence)
                self.mark = attrs.evolve(mark, evidence=evidence)

    def trouble(self) -> str | None:
        """Return why the store is lost, None where all is as it was: three stats."""
        if self.file is None:
            return None
        stands = _stat(self.path)
        if stands is None:
            return GONE
        if (stands.st_dev, stands.st_ino) != self.file:
            return REPLACED
        if self.is_let_go:
            return BESIDE
        wal, shm = self._sides
        if wal is not None and _identity(f"{self._real}-wal") != wal:
            return BESIDE
        if shm is not None and _identity(f"{self._real}-shm") != shm:
            return BESIDE
        if self._touched != (stands.st_mtime_ns, stands.st_size):
            return self._examined()
        return None

    def _examined(self) -> str | None:
        """Return whether it was SQLite that wrote into the file, folding the -wal in.

        Anybody else leaves it without the events that were folded in before. An empty
        file is not opened: SQLite would take its -wal for a leftover, and delete it.
        """
        for _ in range(1 if self._is_overwritten else _LOOKS_MAX):
            stands = _stat(self.path)
            if stands is None:
                return GONE
            if stands.st_size and self._still_holds():
                self._touched = (stands.st_mtime_ns, stands.st_size)
                self._is_overwritten = False
                return None
            _PAUSE.wait(_LOOK_S)  # it may be in the middle of being written
        self._is_overwritten = True
        return OVERWRITTEN

    def _still_holds(self) -> bool:
        """Return whether a new connection finds what was there, and remember more."""
        mark, (position, number) = self.mark, self._proof
        try:
            with closing(_connected(self.path, "mode=ro")) as db:
                if not _has_history(db):
                    return not mark.position
                if mark.position and _row_at(db, mark.position) != mark.row:
                    return False
                if _number_to(db, position) != number:
                    return False
                self._proof = (mark.position, _number_to(db, mark.position))
        except (sqlite3.Error, UnicodeDecodeError):
            return False
        return True

    # While it is lost

    def let_go(self) -> None:
        """Note that every connection was closed, to have the -wal folded in."""
        if not self.is_let_go:
            shm = self._sides[1]
            stood = _identity(f"{self._real}-shm") == shm
            self._shm_was = shm if stood else None
            self._sides = (None, None)  # a number may be given to another file now
            self.is_let_go = True

    def reopened(self) -> str | None:
        """Return why it cannot be used again, now that nobody here has it open.

        Whoever closed it last has folded the lost -wal into the file. Where another
        process did, and opened it again, the -shm is a new one.
        """
        file = self.file or (0, 0)
        sides = (_identity(f"{self._real}-wal"), _identity(f"{self._real}-shm"))
        by_us = sides[0] is not None and _REOPENED.get(file) == sides
        by_others = None not in (self._shm_was, sides[1]) and sides[1] != self._shm_was
        try:
            with closing(_connected(self.path, "mode=rw")) as db:
                if not (by_us or by_others):
                    db.execute("PRAGMA locking_mode=EXCLUSIVE")
                if self._why_not(db) is not None:
                    return LEFT_OUT
        except sqlite3.OperationalError as error:
            busy = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            return HELD if error.sqlite_errorcode in busy else LEFT_OUT
        except (sqlite3.Error, UnicodeDecodeError):
            return LEFT_OUT
        self._is_reopened = True
        return self._taken_up(file)

    def adopted(self) -> str | None:
        """Return why another file is not taken for the store, None where it is now.

        A -wal that is that of the file before has no place beside this one, and is put
        aside; so the file must hold all by itself.
        """
        stands = _stat(self.path)
        if stands is None:
            return GONE
        look = (stands.st_dev, stands.st_ino, stands.st_mtime_ns, stands.st_size)
        if self._refused is not None and self._refused[0] == look:
            return self._refused[1]
        real = os.path.realpath(self.path)
        wal = _identity(f"{real}-wal")
        alone = wal is None or wal == self._sides[0]
        try:
            if not alone:
                self._put_aside(real, "-shm", self._sides[1])
            with closing(
                _connected(self.path, "immutable=1" if alone else "mode=ro")
            ) as db:
                why_not = self._why_not(db)
        except (sqlite3.Error, UnicodeDecodeError):
            why_not = DAMAGED
        if why_not is None and _identity(self.path) != look[:2]:
            why_not = REPLACED  # once more, meanwhile
        if why_not is not None:
            self._refused = (look, why_not)
            return why_not
        self._put_aside(real, "-wal", self._sides[0])
        self._put_aside(real, "-shm", self._sides[1])
        return self._taken_up(look[:2])

    def _taken_up(self, file: _Identity) -> str | None:
        """Learn the file anew, where it is still the one that was looked at."""
        stands = _stat(self.path)
        if stands is None or (stands.st_dev, stands.st_ino) != file:
            return GONE if stands is None else REPLACED
        self.file = None
        self.learn(stands)
        return None

    def _why_not(self, db: sqlite3.Connection) -> str | None:
        """Return why a database lacks what this process has told of, or relied on."""
        if not _has_history(db):
            return NO_STORE
        there = mark_in(db)
        if there.position < max(self.mark.position, self.seen):
            return OLDER
        if self.mark.position and _row_at(db, self.mark.position) != self.mark.row:
            return ANOTHER
        if there.evidence < self.mark.evidence:
            return OLDER
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            return DAMAGED
        return None

    def _put_aside(self, real: str, end: str, ours: _Identity | None) -> None:
        path = f"{real}{end}"
        if ours is not None and _identity(path) == ours:
            os.replace(path, f"{path}.replaced-{secrets.token_hex(4)}")

    def lost(self, why: str) -> StoreLostError:
        """Return the error for a store that is lost; the log hears of it once."""
        with _LOGGED_LOCK:
            logged = _LOGGED.setdefault(self.path, set())
            if why not in logged:
                logged.add(why)
                _LOG.error("the store %s is lost: %s", self.path, why)
        return StoreLostError(self.path, why)

    def is_back(self) -> None:
        """Let the log hear that the store is there again, where it was lost."""
        if self.path in _LOGGED:
            with _LOGGED_LOCK:
                if _LOGGED.pop(self.path, None):
                    _LOG.warning("the store %s is back", self.path)


_PROVEN: Final = 1000  # events counted whenever the -wal was folded in
_LOOKS_MAX: Final = 5
_LOOK_S: Final = 0.05
_PAUSE: Final = threading.Event()  # never set: it only waits
_LOGGED: Final[dict[str, set[str]]] = {}  # what the log has heard, by path
_LOGGED_LOCK: Final = threading.Lock()
_REOPENED: Final[dict[_Identity, _Sides]] = {}
"""Files whose lost -wal was dealt with by this process, and the files beside them."""


def mark_in(db: sqlite3.Connection | sqlite3.Cursor) -> Mark:
    """Return how far the history in a database goes."""
    position = db.execute("SELECT MAX(rowid) FROM stored_events").fetchone()[0] or 0
    evidence = db.execute("SELECT MAX(seq) FROM evidence").fetchone()[0] or 0
    return Mark(position, _row_at(db, position), evidence)


def _row_at(
    db: sqlite3.Connection | sqlite3.Cursor, position: int
) -> tuple[Any, ...] | None:
    row = db.execute(
        "SELECT originator_id, originator_version, topic, state, recorded_at"
        " FROM stored_events WHERE rowid = ?",
        (position,),
    ).fetchone()
    return None if row is None else tuple(row)


def _number_to(db: sqlite3.Connection, position: int) -> int:
    """Return how many events stand among the last that end at a position."""
    found: int = db.execute(
        "SELECT COUNT(*) FROM stored_events WHERE rowid > ? AND rowid <= ?",
        (position - _PROVEN, position),
    ).fetchone()[0]
    return found


def _has_history(db: sqlite3.Connection) -> bool:
    names = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
    return {"stored_events", "evidence"} <= names


def _connected(path: str, how: str) -> sqlite3.Connection:
    """Return a connection that creates no database."""
    url = f"{Path(path).as_uri()}?{how if 'mode' in how else f'mode=ro&{how}'}"
    return sqlite3.connect(url, uri=True, timeout=0, isolation_level=None)


def _stat(path: str) -> os.stat_result | None:
    with suppress(OSError):
        return os.stat(path)
    return None


def _identity(path: str) -> _Identity | None:
    stands = _stat(path)
    return None if stands is None else (stands.st_dev, stands.st_ino)
