"""A view table of PostgreSQL, read in pages by its key, one company after another."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from reconcile.storage.ports import ViewTable
from reconcile.storage.postgres.database import Queries, Row
from reconcile.storage.tables import KEYS

ROWS_PER_READ: Final = 2000


class PagedTable:
    """Some columns of a table, of which companies are asked for one by one.

    Neither side holds more than a page. Whoever asks for a second company, further on,
    goes through all of them: from then on a page holds the rows of those that follow,
    so that a thousand small companies are not a thousand questions.
    """

    def __init__(self, read: Queries, table: ViewTable, columns: str) -> None:
        self._read = read
        key = KEYS[table]
        rows = f"SELECT company_id, {columns} FROM $.{table}"
        self._of_one = (
            f"{rows} WHERE company_id = %s AND {key} {{}} %s"
            f" ORDER BY {key} LIMIT {ROWS_PER_READ}"
        )
        self._of_all = (
            f"{rows} WHERE (company_id, {key}) {{}} (%s, %s)"
            f" ORDER BY company_id, {key} LIMIT {ROWS_PER_READ}"
        )
        self._asked: str | None = None
        self._ahead: deque[Row] = deque()
        self._is_over = False

    def of(self, company_id: str) -> Iterator[tuple[Any, ...]]:
        """Yield a company's rows by their key, the first of the columns."""
        goes_on = self._asked is not None and company_id > self._asked
        self._asked = company_id
        return self._from_all(company_id) if goes_on else self._from_one(company_id)

    def _from_one(self, company_id: str) -> Iterator[Row]:
        self._ahead.clear()
        self._is_over = False
        beyond, after = ">=", ""  # the first key may be empty
        while True:
            rows = self._read.all(self._of_one.format(beyond), company_id, after)
            for row in rows:
                yield row[1:]
            if len(rows) < ROWS_PER_READ:
                return
            beyond, after = ">", rows[-1][1]

    def _from_all(self, company_id: str) -> Iterator[Row]:
        ahead = self._ahead
        while ahead and ahead[0][0] < company_id:
            ahead.popleft()
        beyond, after = ">=", (company_id, "")
        while ahead or not self._is_over:
            if not ahead:
                ahead.extend(self._read.all(self._of_all.format(beyond), *after))
                self._is_over = len(ahead) < ROWS_PER_READ
            while ahead and ahead[0][0] == company_id:
                row = ahead.popleft()
                beyond, after = ">", (company_id, row[1])
                yield row[1:]
            if ahead:
                return
