"""Which lines of a worksheet are asked for, as SQL with its values."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import attrs
import msgspec

from reconcile.domain.money import amount_of
from reconcile.storage.worksheet.amounts import split

Span = tuple[int | None, int | None]
_Term = tuple[str, list[object]]


@attrs.frozen(kw_only=True)
class Where:
    """What lines must have; an empty tuple asks for nothing, None among values is null.

    `state` is None for all states and () for none at all. `kind` and `cause` are one
    condition: a cause of those names, or a kind without a cause. `ages` are spans of
    `broken_since` (µs), open at the first and closed at the last end. `among` names
    lines by company and id; None for all.
    """

    company_id: tuple[str, ...] = ()
    state: tuple[str, ...] | None = None
    kind: tuple[str, ...] = ()
    cause: tuple[str | None, ...] = ()
    fingerprint: tuple[str | None, ...] = ()
    owner: tuple[str | None, ...] = ()
    verdict: tuple[str, ...] = ()
    currency: tuple[str | None, ...] = ()
    unpriced: bool = False
    type: tuple[str | None, ...] = ()  # in lower case
    issued: tuple[str, ...] = ()  # days; "" for none
    months: tuple[str, ...] = ()
    half_booked: tuple[bool, ...] = ()
    ages: tuple[Span, ...] = ()
    sought: tuple[str, ...] = ()
    among: tuple[tuple[str, str], ...] | None = None

    @property
    def of_lines(self) -> bool:
        """Return whether tallies cannot answer: they know no text, age or id."""
        return bool(self.ages or self.of_few)

    @property
    def of_few(self) -> bool:
        """Return whether lines are found by what they are, not one after another."""
        return bool(self.sought) or self.among is not None

    @property
    def of_unsettled(self) -> bool:
        """Return whether all that is asked for is open or broken."""
        return self.state is not None and set(self.state) <= set(UNSETTLED)


UNSETTLED: Final = ("open", "break")
UNSETTLED_SQL: Final = "state IN ('open', 'break')"
"""As the partial indexes have it: word by word, or they are not used."""

_AMONG: Final = (
    "line IN (SELECT named.line FROM json_each(?) AS pair CROSS JOIN lines AS named"
    " ON named.company_id = json_extract(pair.value, '$[0]')"
    " AND named.transaction_id = json_extract(pair.value, '$[1]'))"
)
_encode: Final = msgspec.json.Encoder().encode


class Conditions:
    """The conditions of a `Where`, and the values of their marks in order."""

    def __init__(self, where: Where) -> None:
        self.terms: list[str] = []
        self.values: list[object] = []
        if where.of_unsettled:
            self.terms.append(UNSETTLED_SQL)
        if where.state is not None:
            self._among("state", where.state)
        for name in ("company_id", "fingerprint", "owner", "verdict"):
            if values := getattr(where, name):
                self._among(name, values)
        if where.type:
            self._among("lower(type)", where.type)
        if where.issued:
            self._among("issued", where.issued)
        if where.half_booked:
            self._among("half_booked", [int(value) for value in where.half_booked])
        self._any(self._causes(where))
        self._any(self._currencies(where))
        self._any(self._months(where))
        self._any(self._ages(where))
        self._any(_sought(text, where) for text in where.sought)
        if where.among is not None:
            self._any([(_AMONG, [_encode(where.among).decode()])])

    @property
    def sql(self) -> str:
        """Return the conditions as one."""
        return " AND ".join(self.terms) or "1"

    def _among(self, column: str, values: Sequence[object]) -> None:
        self._any([_one_of(column, values)])

    def _any(self, found: Iterator[tuple[str, list[object]]] | list[_Term]) -> None:
        """Add that some of the terms hold, where there are any."""
        terms = [*found]
        if terms:
            self.terms.append(f"({' OR '.join(term for term, _ in terms)})")
            self.values += [value for _, values in terms for value in values]

    @staticmethod
    def _causes(where: Where) -> Iterator[_Term]:
        if where.cause:
            yield _one_of("cause", where.cause)
        if where.kind:
            term, values = _one_of("kind", where.kind)
            yield f"(cause IS NULL AND {term})", values

    @staticmethod
    def _currencies(where: Where) -> Iterator[_Term]:
        if where.currency:
            yield _one_of("currency", where.currency)
        if where.unpriced:
            yield "unpriced", []

    @staticmethod
    def _months(where: Where) -> Iterator[_Term]:
        for month in where.months:
            yield "(issued >= ? AND issued < ?)", [month, f"{month}-99"]

    @staticmethod
    def _ages(where: Where) -> Iterator[_Term]:
        for after, until in where.ages:
            terms: list[str] = []
            values: list[object] = []
            if after is not None:
                terms.append("broken_since > ?")
                values.append(after)
            if until is not None:
                terms.append("broken_since <= ?")
                values.append(until)
            term = f"({' AND '.join(terms) or '1'})"
            yield (
                (f"({term} OR broken_since IS NULL)", values)
                if until is None
                else (
                    term,
                    values,
                )
            )


def _one_of(column: str, values: Sequence[object]) -> _Term:
    """Return that a column has one of some values, None for null."""
    known = [value for value in values if value is not None]
    terms = [f"{column} IS NULL"] if len(known) < len(values) else []
    if known or not values:
        terms.append(f"{column} IN (SELECT value FROM json_each(?))")
        return f"({' OR '.join(terms)})", [_encode(known).decode()]
    return terms[0], []


def _sought(text: str, where: Where) -> _Term:
    """Return that a line has an id that begins so, the amount, or all of the words.

    Each is looked for in an index that has all it takes, words in every entry of it.
    """
    low = text.lower()
    found = ["SELECT line FROM lines WHERE transaction_id >= ? AND transaction_id < ?"]
    values = _beginning(low)
    if not _is_of_id(low):
        amount = amount_of(text.replace(",", ""))
        if amount is not None and (parts := split(Decimal(amount))) is not None:
            found.append(
                "SELECT line FROM lines WHERE size = ? AND NOT unpriced"
                " AND odd IS NULL AND whole = ? AND billionths = ?"
            )
            values += [float(amount), parts.whole, parts.billionths]
        words = text.casefold().split()
        has_all = " AND ".join("instr(words, ?) > 0" for _ in words)
        index, only = "lines_by_merchant", ""
        if where.of_unsettled:
            index, only = "unsettled_by_merchant", f"{UNSETTLED_SQL} AND "
        found.append(f"SELECT line FROM lines INDEXED BY {index} WHERE {only}{has_all}")
        values += words
    return f"line IN ({' UNION '.join(found)})", values


def _beginning(text: str) -> list[object]:
    return [text, f"{text}\U0010ffff"]


def _is_of_id(text: str) -> bool:
    """Return whether a text can only be the beginning of a UUID."""
    return (
        len(text) > _OF_ID_MIN and not text.strip("0123456789abcdef-") and "-" in text
    )


_OF_ID_MIN: Final = 8
