"""The tables of a worksheet. It can always be made anew: there are no migrations."""

from collections.abc import Mapping
from typing import Final

from reconcile.storage.worksheet.rows import (
    CompanyLine,
    FindingLine,
    SheetHead,
    SheetLine,
    SyncLine,
    Tally,
)
from reconcile.storage.worksheet.where import UNSETTLED_SQL

VERSION: Final = 3
"""Raise it with any change of a table, or of what is written there."""

APPLICATION_ID: Final = 0x52435753
"""In the header of each worksheet, so that no other file is ever taken for one."""

TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "lines": SheetLine._fields,
    "tallies": ("company_id", *Tally._fields),
    "companies": CompanyLine._fields,
    "syncs": SyncLine._fields,
    "findings": FindingLine._fields,
    "sheet": SheetHead._fields,
}
_FIRST: Final = {"lines": "line INTEGER PRIMARY KEY, "}
_LAST: Final = {
    "lines": ", UNIQUE (company_id, transaction_id)",
    "companies": ", PRIMARY KEY (company_id)",
    "syncs": ", PRIMARY KEY (company_id, sync_id)",
    "findings": ", PRIMARY KEY (company_id, place)",
}
CREATE: Final = tuple(
    f"CREATE TABLE {name} ({_FIRST.get(name, '')}{', '.join(columns)}"
    f"{_LAST.get(name, '')})"
    for name, columns in TABLES.items()
)

ORDERS: Final[Mapping[str, tuple[str, str]]] = {
    "merchant": ("words", "line"),
    "amount": ("size", "line"),
    "date": ("issued", "line"),
    "customer": ("company_id", "transaction_id"),
    "age": ("aged", "line"),
}
"""The columns of each order: of the value, and of what comes first where it is equal.

Lines are numbered by company and id where all were written together; those that come
later have later numbers.
"""

COUNTED: Final = (
    "state, company_id, kind, cause, fingerprint, owner, verdict, action, half_booked,"
    " type, currency, issued, broken_since, unpriced, whole, billionths, places, odd,"
    " expected"
)
"""All that a figure of open and broken lines is made of, in an index of their own."""

SEEN: Final = "state, kind, cause, fingerprint, verdict, seen"
"""All that a digest of a cause's breaks is made of, beside the key."""

INDEXES: Final = (
    "CREATE INDEX lines_by_id ON lines (transaction_id)",
    "CREATE INDEX lines_by_cell ON lines (company_id, issued)",
    *(
        f"CREATE INDEX lines_by_{name} ON lines ({first})"
        for name, (first, second) in ORDERS.items()
        if second == "line"
    ),
    *(
        f"CREATE INDEX unsettled_by_{name} ON lines ({first}"
        f"{'' if second == 'line' else f', {second}, {SEEN}'}) WHERE {UNSETTLED_SQL}"
        for name, (first, second) in ORDERS.items()
    ),
    f"CREATE INDEX unsettled ON lines ({COUNTED}) WHERE {UNSETTLED_SQL}",
    "CREATE INDEX tallies_by_company ON tallies (company_id)",
    "CREATE INDEX companies_by_turn ON companies (turns_at)",
)
