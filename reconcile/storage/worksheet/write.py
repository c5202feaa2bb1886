"""What is written to a worksheet: a company at a time, and only what has changed."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs
import msgspec

from reconcile.storage.worksheet.rows import (
    CompanyLine,
    FindingLine,
    SheetHead,
    SheetLine,
    SyncLine,
    Tally,
)
from reconcile.storage.worksheet.schema import (
    APPLICATION_ID,
    CREATE,
    INDEXES,
    TABLES,
    VERSION,
)
from reconcile.storage.worksheet.where import UNSETTLED_SQL

Row = tuple[object, ...]


@attrs.frozen(kw_only=True)
class SheetRest:
    """All rows of one company but its lines."""

    tallies: Sequence[Tally]
    syncs: Sequence[SyncLine]
    findings: Sequence[FindingLine]
    company: CompanyLine


@attrs.frozen(kw_only=True)
class SheetCompany:
    """All rows of one company; `lines` are read once, by their ids, none twice.

    `rest` is asked for when the lines were read.
    """

    company_id: str
    lines: Iterable[Row]  # in the order of `SheetLine`
    rest: Callable[[], SheetRest]


class SheetWrites:
    """One transaction on a worksheet."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def fits(self) -> bool:
        """Return whether the tables are those of this version."""
        return self._number("PRAGMA user_version") == VERSION

    def begin_anew(self) -> None:
        """Leave empty tables, without the indexes that only reading needs."""
        found = self._db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        for (name,) in found:
            self._db.execute(f'DROP TABLE "{name}"')
        for statement in CREATE:
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def head(self) -> SheetHead | None:
        """Return what the worksheet stands on, None where it is not whole."""
        row = self._db.execute("SELECT * FROM sheet").fetchone()
        return None if row is None else SheetHead._make(row)

    def finish(self, head: SheetHead) -> None:
        """Write what the worksheet stands on now; index what was made anew."""
        if not self._number("SELECT COUNT(*) FROM sheet"):
            for statement in INDEXES:
                self._db.execute(statement)
            self._db.execute("ANALYZE")
        self._db.execute("DELETE FROM sheet")
        self._insert("sheet", [head])

    def companies(self) -> dict[str, CompanyLine]:
        """Return every company that has rows."""
        found = self._db.execute("SELECT * FROM companies")
        return {row[0]: CompanyLine._make(row) for row in found}

    def put(self, rows: SheetCompany) -> set[str]:
        """Write a company's rows; return the ids that are or were in its books.

        Of those, only the ones that were not so before, or say something else.
        """
        changed = self._put_lines(rows)
        rest = rows.rest()
        some: Sequence[Row]
        for name, some in (
            ("tallies", [(rows.company_id, *tally) for tally in rest.tallies]),
            ("syncs", rest.syncs),
            ("findings", rest.findings),
        ):
            self._replace(name, rows.company_id, some)
        self._db.execute(
            "DELETE FROM companies WHERE company_id = ?", [rows.company_id]
        )
        self._insert("companies", [rest.company])
        return changed

    def drop(self, company_id: str) -> set[str]:
        """Take out a company that nothing is told of any more."""
        changed = self._changed_in_books(company_id)
        for name in ("lines", "tallies", "syncs", "findings", "companies"):
            self._db.execute(f"DELETE FROM {name} WHERE company_id = ?", [company_id])
        return changed

    def waiting_for(self, transaction_ids: Iterable[str]) -> set[str]:
        """Return the companies that have an open or broken line of such an id."""
        names = msgspec.json.encode([*transaction_ids]).decode()
        found = self._db.execute(
            "SELECT DISTINCT company_id FROM lines WHERE transaction_id IN"
            f" (SELECT value FROM json_each(?)) AND {UNSETTLED_SQL}",
            [names],
        )
        return {company_id for (company_id,) in found}

    def _put_lines(self, rows: SheetCompany) -> set[str]:
        if not self._number(
            "SELECT EXISTS (SELECT 1 FROM lines WHERE company_id = ?)", rows.company_id
        ):
            self._insert("lines", rows.lines)
            return self._in_books(rows.company_id)
        self._db.execute(_FRESH)
        self._db.execute("DELETE FROM fresh")
        self._insert("fresh", rows.lines)
        changed = self._changed_in_books(rows.company_id)
        self._db.execute(_GONE, [rows.company_id])
        self._db.execute(_UPSERT)
        self._db.execute("DELETE FROM fresh")
        return changed

    def _in_books(self, company_id: str) -> set[str]:
        if not self._number("SELECT COUNT(*) FROM sheet"):
            return set()  # all companies are on their way: nobody waits for a change
        found = self._db.execute(
            f"SELECT transaction_id FROM lines WHERE company_id = ? AND {_BOOKED}",
            [company_id],
        )
        return {name for (name,) in found}

    def _changed_in_books(self, company_id: str) -> set[str]:
        """Return the ids whose place in the books `fresh` changes."""
        self._db.execute(_FRESH)
        return {name for (name,) in self._db.execute(_CHANGED, [company_id] * 2)}

    def _replace(self, name: str, company_id: str, rows: Sequence[Row]) -> None:
        found = self._db.execute(
            f"SELECT * FROM {name} WHERE company_id = ?", [company_id]
        )
        if {*found} != {*rows}:
            self._db.execute(f"DELETE FROM {name} WHERE company_id = ?", [company_id])
            self._insert(name, rows)

    def _insert(self, name: str, rows: Iterable[Row]) -> None:
        columns = _LINES if name == "fresh" else TABLES[name]
        marks = ", ".join("?" * len(columns))
        self._db.executemany(
            f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", rows
        )

    def _number(self, query: str, *values: object) -> int:
        number: int = self._db.execute(query, values).fetchone()[0]
        return number


_LINES: Final = SheetLine._fields
_VALUES: Final = _LINES[2:]
_BOOKED: Final = "state IN ('matched', 'cleared')"
_FRESH: Final = (
    f"CREATE TEMP TABLE IF NOT EXISTS fresh ({', '.join(_LINES)},"
    " PRIMARY KEY (transaction_id))"
)
_GONE: Final = (
    "DELETE FROM lines WHERE company_id = ?"
    " AND transaction_id NOT IN (SELECT transaction_id FROM fresh)"
)
_UPSERT: Final = (
    f"INSERT INTO lines ({', '.join(_LINES)}) SELECT {', '.join(_LINES)} FROM fresh"
    " WHERE true ORDER BY transaction_id"
    " ON CONFLICT (company_id, transaction_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _VALUES)
    + f" WHERE ({', '.join(f'lines.{name}' for name in _VALUES)})"
    f" IS NOT ({', '.join(f'excluded.{name}' for name in _VALUES)})"
)
_CHANGED: Final = f"""
    SELECT transaction_id FROM (
        SELECT transaction_id, content FROM lines WHERE company_id = ? AND {_BOOKED}
        EXCEPT SELECT transaction_id, content FROM fresh WHERE {_BOOKED}
    ) UNION SELECT transaction_id FROM (
        SELECT transaction_id, content FROM fresh WHERE {_BOOKED}
        EXCEPT SELECT transaction_id, content FROM lines
                WHERE company_id = ? AND {_BOOKED}
    )
"""
