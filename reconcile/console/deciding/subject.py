"""What a decision is about, as it stands now: expenses with their money."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from reconcile.cases.expenses import seen_digest
from reconcile.console.deciding.asked import DecisionAsked
from reconcile.console.deciding.kinds import may_be_mended, why_not
from reconcile.console.sheet import Sheet
from reconcile.domain.identity import canonical_id
from reconcile.reconciler import Reconciler
from reconcile.report.groups import Judged
from reconcile.report.html.tally import Amounts

ASKED_ALONE_MAX: Final = 50
"""For more expenses of a company than these, all of the company are read at once."""
CARRIED_BYTES_MAX: Final = 32 * 2**10
"""A form that would be longer names its filter in place of each expense."""
SHORT: Final = 16


@attrs.frozen(kw_only=True)
class Subject:
    """The expenses that a decision is about, by company and id.

    `refused` are those that it cannot be taken of, each with why, `unknown` those that
    nobody knows.
    """

    rows: Sequence[Judged] = ()
    refused: Sequence[tuple[Judged, str]] = ()
    unknown: Sequence[tuple[str, str]] = ()

    @property
    def companies(self) -> Mapping[str, Sequence[Judged]]:
        """Return the rows of each company."""
        found: dict[str, list[Judged]] = {}
        for row in self.rows:
            found.setdefault(row.company_id, []).append(row)
        return found

    @property
    def amounts(self) -> Amounts:
        """Return how many there are, and their sums by type and currency."""
        found = Amounts()
        for row in self.rows:
            found.add(row)
        return found

    @property
    def digest(self) -> str:
        """Return the SHA-256 of which expenses these are and how they stand."""
        parts = [
            f"{company_id}\n{digest_of(rows)}"
            for company_id, rows in sorted(self.companies.items())
        ]
        return f"sha256:{hashlib.sha256(chr(10).join(parts).encode()).hexdigest()}"


def mends_of(rows: Iterable[Judged]) -> Mapping[tuple[str, str], str | None]:
    """Return what has to be mended for some expenses: company and fingerprint.

    Each with the name of its cause.
    """
    found = {
        (row.company_id, row.item.fingerprint): row.item.cause
        for row in rows
        if may_be_mended(row.item) and row.item.fingerprint is not None
    }
    return dict(sorted(found.items()))


def digest_of(rows: Iterable[Judged]) -> str:
    """Return the digest of how some expenses of a company stand."""
    return seen_digest({row.transaction_id: row.item for row in rows})


def stand_of(row: Judged) -> str:
    """Return how an expense stands, short enough to be carried by a form."""
    start = len("sha256:")
    return digest_of([row])[start : start + SHORT]


def subject_of(
    books: Reconciler, asked: DecisionAsked, sheet: Sheet | None = None
) -> Subject:
    """Return what a decision is about, as it stands now.

    Raises:
        PageError: its filter is none (400).

    """
    if asked.mend is not None:
        return _mended(books, *asked.mend)
    pairs: Iterable[tuple[str, str]] = asked.pairs
    if asked.cut is not None and sheet is not None:
        lines = sheet.every_line(asked.filter())
        pairs = [(line.company_id, line.transaction_id) for line in lines]
    found, unknown = _judged(books, pairs)
    reasons = [(row, why_not(asked.kind, row.item)) for row in found]
    return Subject(
        rows=[row for row, why in reasons if why is None],
        refused=[(row, why) for row, why in reasons if why is not None],
        unknown=unknown,
    )


def _mended(books: Reconciler, company_id: str, fingerprint: str) -> Subject:
    """Return all breaks of a company that have a fingerprint: it is of all of them."""
    rows = [
        row
        for row in books.items(company_id=company_id, state="break")
        if row.item.fingerprint == fingerprint
    ]
    if any(may_be_mended(row.item) for row in rows):
        return Subject(rows=rows)
    return Subject(refused=[(row, "is not waiting for a mend") for row in rows])


def _judged(
    books: Reconciler, pairs: Iterable[tuple[str, str]]
) -> tuple[list[Judged], list[tuple[str, str]]]:
    """Return some expenses by company and id, and those that nobody knows."""
    wanted: dict[str, dict[str, None]] = {}
    for company_id, name in pairs:
        names = wanted.setdefault(canonical_id(company_id), {})
        names[canonical_id(name)] = None
    rows: list[Judged] = []
    unknown: list[tuple[str, str]] = []
    for company_id, names in sorted(wanted.items()):
        found = _of_company(books, company_id, names)
        rows += [found[name] for name in sorted(names) if name in found]
        unknown += [(company_id, name) for name in sorted(names) if name not in found]
    return rows, unknown


def _of_company(
    books: Reconciler, company_id: str, names: Mapping[str, None]
) -> Mapping[str, Judged]:
    if len(names) > ASKED_ALONE_MAX:
        rows = books.items(company_id=company_id)
        return {row.transaction_id: row for row in rows if row.transaction_id in names}
    found = {name: books.item(name, company_id=company_id) for name in names}
    return {name: row for name, row in found.items() if row is not None}
