"""What an expense must hold for Codat to take it, in each dialect: every flaw, at once.

Source: Codat's OpenAPI files for Sync for Expenses, v1 and current; that amounts are 0
to 5000000, their dataset validation example (read 2026-11-22).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

import attrs

from reconcile.domain.identity import all_canonical
from reconcile.expenses.currencies import decimals_of

Dialect = Literal["v1", "current"]

AMOUNT_MAX: Final = 5_000_000
DIGITS_MAX: Final = 15
"""Of an amount: what every reader of JSON holds exactly, a double included."""
RATE_PLACES_MAX: Final = 9
LINES_MAX: Final = 100
TRACKING_MAX: Final = 10
SHOWN_MAX: Final = 40
YEARS: Final = range(2000, 2200)
"""Others are what programs write for no date: 1, 1601, 1900, 1970, 2262, 9999."""
_SPAN: Final = f"{YEARS[0]} to {YEARS[-1]}"

Found = Iterator[tuple[str, str]]  # where inside a value, and what is wrong
Check = Callable[[object], Found]


@attrs.frozen
class FieldProblem:
    """What is wrong with an expense; `line` counts its lines from 0."""

    line: int | None
    path: str
    reason: str


@attrs.frozen(kw_only=True)
class _Shape:
    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    nullable: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()  # fields of the other dialect alone

    def flaws(self, given: Mapping[str, object]) -> Found:
        for name in self.required:
            if given.get(name) in (None, ""):
                yield name, "it is missing"
        for name in sorted(self.elsewhere & given.keys()):
            yield name, "it is not a field of v1"
        for name, check in self.fields.items():
            if name not in given or (name in self.required and given[name] == ""):
                continue
            if given[name] is not None:
                for inside, reason in check(given[name]):
                    yield f"{name}{inside}", reason
            elif name not in self.required and name not in self.nullable:
                yield (
                    name,
                    "null is not a value here, expected the field to be left out",
                )


def flaws_of(expense: object, dialect: Dialect) -> Iterator[FieldProblem]:
    """Yield everything that keeps Codat from taking an expense."""
    if not isinstance(expense, dict):
        yield FieldProblem(None, "", f"{shown(expense)} is not an object")
        return
    for path, reason in _EXPENSE[dialect].flaws(expense):
        yield FieldProblem(None, path, reason)
    lines = expense.get("lines", [])
    if not isinstance(lines, list):
        yield FieldProblem(None, "lines", f"{shown(lines)} is not an array")
        return
    if not 1 <= len(lines) <= LINES_MAX:
        reason = f"the expense has {len(lines)} lines, expected 1 to {LINES_MAX}"
        yield FieldProblem(None, "lines", reason)
        return
    for number, line in enumerate(lines):
        if not isinstance(line, dict):
            yield FieldProblem(number, "", f"{shown(line)} is not an object")
            continue
        for path, reason in _LINE[dialect].flaws(line):
            yield FieldProblem(number, path, reason)
        for path, reason in _decimals(line, expense.get("currency")):
            yield FieldProblem(number, path, reason)


def _decimals(line: Mapping[str, object], currency: object) -> Found:
    """Yield amounts with more decimals than their currency has, as in `1.000` EUR."""
    if not isinstance(currency, str) or not _CURRENCY(currency):
        return
    most = decimals_of(currency)
    for path in ("netAmount", "taxAmount"):
        number = _number(line.get(path))
        if not number or [*_amount(number)]:
            continue
        places = -number.as_tuple().exponent  # type: ignore[operator]  # it is finite
        if places > most:
            many = f"{places} decimals" if places > 1 else "1 decimal"
            reason = f"has {many}, expected at most {most} in {currency}"
            yield path, f"{shown(line[path])} {reason}"


def required_of(dialect: Dialect) -> frozenset[str]:
    """Return the fields without which no expense, and none of its lines, is taken."""
    return frozenset((*_EXPENSE[dialect].required, *_LINE[dialect].required))


def unsigned_zero(number: Decimal) -> Decimal:
    """Return a number, and 0 for what is written as -0."""
    return number if number else abs(number)


def shown(value: object) -> str:
    """Return a value as a sentence can show it: short, on one line."""
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case None | bool() | str():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = str(value)
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 1]}…"


def _id(value: object) -> Found:
    if not isinstance(value, str) or not all_canonical([value.lower()]):
        yield "", f"{shown(value)} is not a UUID, expected 32 hex digits in five groups"


def _text(value: object) -> Found:
    if not isinstance(value, str):
        yield "", f"{shown(value)} is not text"
    elif _HALVES(value):
        yield "", "it holds half a surrogate pair, expected whole characters"
    elif _CONTROL(value):
        yield "", f"{shown(value)} has a control character, expected text"


def _type(*known: str) -> Check:
    def check(value: object) -> Found:
        if value not in known:
            yield "", f"{shown(value)} is not one of {', '.join(known)}"

    return check


def _date(value: object) -> Found:
    try:
        if isinstance(value, str) and _DATE(value):
            moment = datetime.fromisoformat(value)
            if moment.year in YEARS:
                return
            yield "", f"{shown(value)} is not a date of an expense, expected {_SPAN}"
            return
    except ValueError:
        pass
    yield "", f"{shown(value)} is not a date, expected one such as 2026-03-02"


def _currency(value: object) -> Found:
    if not isinstance(value, str) or not _CURRENCY(value):
        yield "", f"{shown(value)} is not a currency, expected a code such as GBP"


def _number(value: object) -> Decimal | None:
    known = isinstance(value, int | Decimal) and not isinstance(value, bool)
    number = Decimal(value) if known else None  # type: ignore[arg-type]  # as just asked
    return number if number is not None and number.is_finite() else None


def _amount(value: object) -> Found:
    number = _number(value)
    if number is None:
        yield "", _no_number(value)
    elif number.is_signed():
        yield "", f"{shown(value)} is below 0, expected 0 to {AMOUNT_MAX}"
    elif number > AMOUNT_MAX:
        yield "", f"{shown(value)} is above {AMOUNT_MAX}, expected 0 to {AMOUNT_MAX}"
    elif len(_digits(number)) > DIGITS_MAX or number.adjusted() < -DIGITS_MAX:
        yield "", f"{shown(value)} has more than {DIGITS_MAX} digits"


def _no_number(value: object) -> str:
    """Return what is wrong with what should be a number."""
    if isinstance(value, str) and _DIGITS(value):
        return f"{shown(value)} is text, expected a number without quotes"
    signs = ", without signs of thousands or currency" if isinstance(value, str) else ""
    return f"{shown(value)} is not a number, expected one such as 12.50{signs}"


def _rate(value: object) -> Found:
    number = _number(value)
    if number is None:
        yield "", _no_number(value)
    elif number.is_signed() or not number:
        yield "", f"{shown(value)} is a rate of 0 or below, expected one above"
    elif len(_digits(number)) > DIGITS_MAX or number.adjusted() > DIGITS_MAX:
        yield "", f"{shown(value)} has more than {DIGITS_MAX} digits"
    elif number.as_tuple().exponent < -RATE_PLACES_MAX:  # type: ignore[operator]  # it is finite
        yield "", f"{shown(value)} has more than {RATE_PLACES_MAX} decimals"


def _digits(number: Decimal) -> str:
    return "".join(map(str, number.as_tuple().digits)).strip("0")


def _flag(value: object) -> Found:
    if not isinstance(value, bool):
        yield "", f"{shown(value)} is neither, expected true or false"


def _ref(*, kind: tuple[str, tuple[str, ...]] | None = None) -> Check:
    """Return the check of a reference: an id, and what it is an id of."""

    def check(value: object) -> Found:
        if not isinstance(value, dict):
            yield "", f"{shown(value)} is not an object with an id"
            return
        named = value.get("id")
        if not isinstance(named, str) or not named.strip() or _HALVES(named):
            yield ".id", "it is missing"
        elif _UNSEEN(named):
            yield (
                ".id",
                f"{shown(named)} has characters that nobody sees, expected none",
            )
        if kind is not None and value.get(kind[0], kind[1][0]) not in kind[1]:
            expected = " or ".join(kind[1])
            yield f".{kind[0]}", f"{shown(value[kind[0]])} is not {expected}"

    return check


def _refs(check_ref: Check) -> Check:
    def check(value: object) -> Found:
        if not isinstance(value, list):
            yield "", f"{shown(value)} is not an array"
            return
        if not 1 <= len(value) <= TRACKING_MAX:
            yield "", f"{len(value)} references, expected 1 to {TRACKING_MAX}"
            return
        for number, ref in enumerate(value):
            for inside, reason in check_ref(ref):
                yield f"[{number}]{inside}", reason

    return check


_HALVES: Final = re.compile("[\ud800-\udfff]").search
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]").search
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
).search
_DIGITS: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII).fullmatch
_CURRENCY: Final = re.compile(r"[A-Z]{3}").fullmatch
_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
).fullmatch

_TYPES: Final = ("Payment", "Refund", "Reward", "Chargeback")
_MOVED: Final = ("TransferIn", "TransferOut", "AdjustmentIn", "AdjustmentOut")
_SHARED: Final[Mapping[str, Check]] = {
    "id": _id,
    "issueDate": _date,
    "currency": _currency,
    "currencyRate": _rate,
    "merchantName": _text,
    "notes": _text,
}
_CURRENT_ALONE: Final[Mapping[str, Check]] = {
    "bankAccountRef": _ref(),
    "reference": _text,
    "postAsDraft": _flag,
}
_LINE_SHARED: Final[Mapping[str, Check]] = {
    "netAmount": _amount,
    "taxAmount": _amount,
    "accountRef": _ref(),
    "taxRateRef": _ref(),
}
_LINE_CURRENT_ALONE: Final[Mapping[str, Check]] = {
    "itemRef": _ref(),
    "invoiceTo": _ref(kind=("type", ("customer",))),
}
_REQUIRED: Final = ("id", "type", "issueDate", "currency")
_EXPENSE: Final[Mapping[Dialect, _Shape]] = {
    "v1": _Shape(
        fields={
            **_SHARED,
            "type": _type(*_TYPES, *_MOVED),
            "contactRef": _ref(kind=("contactType", ("Supplier",))),
        },
        required=_REQUIRED,
        nullable=frozenset({"currencyRate"}),
        elsewhere=frozenset(_CURRENT_ALONE),
    ),
    "current": _Shape(
        fields={
            **_SHARED,
            **_CURRENT_ALONE,
            "type": _type(*_TYPES),
            "contactRef": _ref(kind=("type", ("Supplier",))),
        },
        required=_REQUIRED,
        nullable=frozenset({"currencyRate", "reference", "postAsDraft"}),
    ),
}
_LINE: Final[Mapping[Dialect, _Shape]] = {
    "v1": _Shape(
        fields={**_LINE_SHARED, "trackingRefs": _refs(_ref())},
        required=("netAmount", "taxAmount", "accountRef"),
        elsewhere=frozenset(_LINE_CURRENT_ALONE),
    ),
    "current": _Shape(
        fields={
            **_LINE_SHARED,
            **_LINE_CURRENT_ALONE,
            "trackingRefs": _refs(
                _ref(kind=("dataType", ("trackingCategories", "customers")))
            ),
        },
        required=("netAmount",),
        nullable=frozenset({"itemRef", "trackingRefs", "invoiceTo"}),
    ),
}
