"""What is read of a worksheet, as plain rows: figures, lines in order, and the rest."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from reconcile.storage.worksheet.amounts import Parts
from reconcile.storage.worksheet.rows import (
    FindingLine,
    SheetHead,
    SheetLine,
    SyncLine,
)
from reconcile.storage.worksheet.schema import ORDERS, VERSION
from reconcile.storage.worksheet.where import UNSETTLED_SQL, Conditions, Where

Cut = Literal[
    "action",
    "cause",
    "company_id",
    "currency",
    "fingerprint",
    "issued",
    "kind",
    "owner",
    "state",
    "type",
    "verdict",
]
"""What lines may be counted by."""


class Figure(NamedTuple):
    """Some lines together; `key` has the values that they are counted by."""

    key: tuple[Any, ...]
    items: int
    unpriced: int
    parts: Parts
    odd: Sequence[str]  # amounts that have no parts
    first_at: int | None  # since when the first of them is broken
    last_at: int | None


class From(NamedTuple):
    """Where a page of lines begins: after a line, in one direction of an order."""

    value: str | float
    second: str | int  # of what comes first where values are equal


class SheetReads:
    """One consistent read of a worksheet."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def head(self) -> SheetHead | None:
        """Return what the worksheet stands on; None where it is not whole yet."""
        if self._db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            return None
        row = self._db.execute("SELECT * FROM sheet").fetchone()
        return None if row is None else SheetHead._make(row)

    def next_turn(self) -> int | None:
        """Return when the clock alone changes a company next."""
        moment: int | None = self._db.execute(
            "SELECT MIN(turns_at) FROM companies"
        ).fetchone()[0]
        return moment

    def company_digests(self) -> list[tuple[str, str]]:
        """Return each company with the digest of its rows, sorted."""
        return self._db.execute(
            "SELECT company_id, rows_digest FROM companies ORDER BY company_id"
        ).fetchall()

    def share_digests(self) -> list[tuple[str, str, int]]:
        """Return each company's digest of its share, and whether time alters it."""
        return self._db.execute(
            "SELECT company_id, share_digest, ages FROM companies"
        ).fetchall()

    def companies(self) -> list[str]:
        """Return every company that has rows, sorted."""
        return [
            name
            for (name,) in self._db.execute(
                "SELECT company_id FROM companies ORDER BY company_id"
            )
        ]

    def values(self, cut: Literal["currency", "type", "issued"]) -> list[str]:
        """Return every value that a line has, sorted; without null."""
        return [
            name
            for (name,) in self._db.execute(
                f"SELECT DISTINCT {cut} FROM tallies WHERE {cut} IS NOT NULL ORDER BY 1"
            )
        ]

    def count(self, where: Where) -> int:
        """Return how many lines there are."""
        (figure,) = self.figures(where, ()) or [_NO_LINES]
        return figure.items

    def figures(self, where: Where, cuts: Sequence[Cut]) -> list[Figure]:
        """Return the lines counted by some columns, in any order; none empty."""
        return self._figures(where, ", ".join(cuts), len(cuts), [])

    def by_span(self, where: Where, ends: Sequence[int]) -> list[Figure]:
        """Return lines by how long they are broken, and by type and currency.

        The first of each key counts the `ends` (µs, the latest first) that they are
        broken since or longer; those of which nobody knows count none.
        """
        marks = " + ".join("coalesce(broken_since <= ?, 0)" for _ in ends)
        cuts = f"{marks}, type, currency"
        return self._figures(where, cuts, 3, [*ends], of_lines=True)

    def next_change(self, where: Where) -> int | None:
        """Return when the clock changes one of the lines next (µs)."""
        conditions = Conditions(where)
        moment: int | None = self._db.execute(
            f"SELECT MIN(changes_at) FROM {_lines(where)} WHERE {conditions.sql}",
            conditions.values,
        ).fetchone()[0]
        return moment

    def _figures(
        self,
        where: Where,
        cuts: str,
        width: int,
        values: Sequence[object],
        *,
        of_lines: bool = False,
    ) -> list[Figure]:
        conditions = Conditions(where)
        if of_lines or where.of_lines:
            sums, source = _SUMS_OF_LINES, _lines(where)
        else:
            sums, source = _SUMS, "tallies"
        places = ", ".join(str(place + 1) for place in range(width))
        query = (
            f"SELECT {cuts}{', ' if cuts else ''}{sums} FROM {source}"
            f" WHERE {conditions.sql}{f' GROUP BY {places}' if width else ''}"
        )
        found = self._db.execute(query, [*values, *conditions.values])
        return [_figure(row, width) for row in found if row[width]]

    def lines(
        self,
        where: Where,
        *,
        order: str,
        descending: bool,
        after: From | None,
        limit: int,
    ) -> list[tuple[int, SheetLine]]:
        """Return the next lines in an order, each with its number."""
        conditions = Conditions(where)
        first, second = ORDERS[order]
        terms, values = [conditions.sql], [*conditions.values]
        source = self._source(where, order)
        if source == _BY_CELL:
            terms.append(
                "(company_id, issued) IN (SELECT company_id, issued FROM tallies"
                f" WHERE {conditions.sql})"
            )
            values += conditions.values
        if after is not None:
            sign = "<" if descending else ">"
            terms.append(f"({first}, {second}) {sign} (?, ?)")
            values += after
        way = "DESC" if descending else "ASC"
        found = self._db.execute(
            "SELECT lines.* FROM (SELECT line AS number"  # what is wide is not sorted
            f" FROM {source} WHERE {' AND '.join(terms)}"
            f" ORDER BY {first} {way}, {second} {way} LIMIT ?)"
            " CROSS JOIN lines ON line = number"
            f" ORDER BY lines.{first} {way}, lines.{second} {way}",
            [*values, limit],
        )
        return [(row[0], SheetLine._make(row[1:])) for row in found]

    def _source(self, where: Where, order: str) -> str:
        """Return the lines, by the index that leads to a page of them soonest.

        Where one line in a hundred or more is asked for, that of the order: the page
        is full before many were looked at. Else those are found first, and then sorted.
        """
        if where.of_lines:
            return _sorted(where, order)
        if where != _ALL:
            among = Conditions(where)
            every = UNSETTLED_SQL if where.of_unsettled else "1"
            asked, there = self._db.execute(
                f"SELECT SUM(CASE WHEN {among.sql} THEN items END), SUM(items)"
                f" FROM tallies WHERE {every}",
                among.values,
            ).fetchone()
            if (asked or 0) * _RARE < (there or 0):
                return _UNSETTLED if where.of_unsettled else _BY_CELL
        return _sorted(where, order)

    def numbered(self, company_id: str, transaction_id: str) -> int | None:
        """Return a line's number, None where there is no such line."""
        row = self._db.execute(
            "SELECT line FROM lines WHERE company_id = ? AND transaction_id = ?",
            [company_id, transaction_id],
        ).fetchone()
        return None if row is None else row[0]

    def line(self, company_id: str, transaction_id: str) -> SheetLine | None:
        """Return one line, None where there is none."""
        row = self._db.execute(
            "SELECT * FROM lines WHERE company_id = ? AND transaction_id = ?",
            [company_id, transaction_id],
        ).fetchone()
        return None if row is None else SheetLine._make(row[1:])

    def every_line(self, where: Where) -> Iterator[SheetLine]:
        """Yield lines by company and id."""
        conditions = Conditions(where)
        found = self._db.execute(
            f"SELECT * FROM {_sorted(where, 'customer')} WHERE {conditions.sql}"
            " ORDER BY company_id, transaction_id",
            conditions.values,
        )
        for row in found:
            yield SheetLine._make(row[1:])

    def seen(self, where: Where) -> Iterator[tuple[str, str, bytes]]:
        """Yield company, id and digest of lines, by company and id."""
        conditions = Conditions(where)
        yield from self._db.execute(
            f"SELECT company_id, transaction_id, seen FROM {_sorted(where, 'customer')}"
            f" WHERE {conditions.sql} ORDER BY company_id, transaction_id",
            conditions.values,
        )

    def findings(self, company_ids: Sequence[str]) -> list[FindingLine]:
        """Return the findings of some companies, or of all, in order."""
        conditions = Conditions(Where(company_id=tuple(company_ids)))
        found = self._db.execute(
            f"SELECT * FROM findings WHERE {conditions.sql} ORDER BY company_id, place",
            conditions.values,
        )
        return [*map(FindingLine._make, found)]

    def findings_by_kind(self, company_ids: Sequence[str]) -> dict[str, int]:
        """Return how many findings some companies, or all, have of each kind."""
        return self._counted("findings", "kind", company_ids)

    def syncs_by_listing(self, company_ids: Sequence[str]) -> dict[str, int]:
        """Return how many syncs of some companies, or of all, are read how far."""
        return self._counted("syncs", "listing", company_ids)

    def _counted(
        self, table: str, column: str, company_ids: Sequence[str]
    ) -> dict[str, int]:
        conditions = Conditions(Where(company_id=tuple(company_ids)))
        return dict(
            self._db.execute(
                f"SELECT {column}, COUNT(*) FROM {table} WHERE {conditions.sql}"
                f" GROUP BY {column} ORDER BY {column}",
                conditions.values,
            ).fetchall()
        )

    def syncs(
        self, company_ids: Sequence[str], *, after: tuple[str, str] | None, limit: int
    ) -> list[SyncLine]:
        """Return the next syncs of some companies, or of all, by company and id."""
        conditions = Conditions(Where(company_id=tuple(company_ids)))
        found = self._db.execute(
            f"SELECT * FROM syncs WHERE {conditions.sql}"
            " AND (company_id, sync_id) > (?, ?) ORDER BY company_id, sync_id LIMIT ?",
            [*conditions.values, *(after or ("", "")), limit],
        )
        return [*map(SyncLine._make, found)]


_ALL: Final = Where()
_RARE: Final = 100
_BY_CELL: Final = "lines INDEXED BY lines_by_cell"
_UNSETTLED: Final = "lines INDEXED BY unsettled"
_SUMS: Final = (
    "SUM(items), SUM(items * unpriced), SUM(whole), SUM(billionths), MAX(places),"
    " group_concat(odd, ' '), MIN(first_at), MAX(last_at)"
)
_SUMS_OF_LINES: Final = (
    "COUNT(*), SUM(unpriced), SUM(whole), SUM(billionths), MAX(places),"
    " group_concat(odd, ' '), MIN(broken_since), MAX(broken_since)"
)
_NO_LINES: Final = Figure((), 0, 0, Parts(0, 0, 0), (), None, None)


def _figure(row: tuple[Any, ...], width: int) -> Figure:
    items, unpriced, whole, billionths, places, odd, first_at, last_at = row[width:]
    return Figure(
        row[:width],
        items,
        unpriced,
        Parts(whole, billionths, places),
        str(odd).split() if odd is not None else (),
        first_at,
        last_at,
    )


def _lines(where: Where) -> str:
    """Return the lines, by the index that has all of their figures, where it can."""
    return _UNSETTLED if where.of_unsettled and not where.of_few else "lines"


def _sorted(where: Where, order: str) -> str:
    """Return the lines, by the index of an order."""
    if where.of_unsettled and where.among is None:
        return f"lines INDEXED BY unsettled_by_{order}"
    if where.of_few or ORDERS[order][1] != "line":
        return "lines"  # by what was found; or by the key, which has no name
    return f"lines INDEXED BY lines_by_{order}"
