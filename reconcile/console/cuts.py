"""What an address cuts the expenses by: its filter, and that filter in plain words."""

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from reconcile.console.asking import Asking
from reconcile.console.filter import NONE, UNPRICED, Filter
from reconcile.console.problems import PageError
from reconcile.domain.vocabulary import BreakKind, ItemState, Owner, Verdict
from reconcile.errors import UsageError
from reconcile.report.html import figures, words

CUT_WORDS: Final = tuple(field.name for field in attrs.fields(Filter))
"""Every word that cuts."""

NOT_BOOKED: Final = frozenset({ItemState.OPEN, ItemState.BREAK})
BOOKED: Final = frozenset({ItemState.MATCHED, ItemState.CLEARED})

Named = Callable[[str], str]


def cut_of(asking: Asking) -> Filter:
    """Return the filter that an address asks for.

    Raises:
        PageError: a value is none of its word's (400).

    """
    try:
        return Filter(**{word: asking.words.get(word, ()) for word in CUT_WORDS})
    except UsageError as error:
        raise refused(error) from error


def words_of_cut(cut: Filter) -> dict[str, tuple[str, ...]]:
    """Return the words that a cut has, with their values."""
    return {word: getattr(cut, word) for word in CUT_WORDS if getattr(cut, word)}


def scope_of(asking: Asking) -> Filter:
    """Return the customer and month that an address asks for, as a filter."""
    asked = asking.words
    try:
        return Filter(customer=asked.get("customer", ()), month=asked.get("month", ()))
    except UsageError as error:
        raise refused(error) from error


def refused(error: UsageError) -> PageError:
    """Return an error of an address as its page says it: one sentence."""
    sentence = str(error)
    return PageError(400, f"{sentence[:1].upper()}{sentence[1:]}.")


@attrs.frozen(kw_only=True)
class Condition:
    """One value of one word, in plain words."""

    word: str
    value: str
    label: str


def conditions_of(cut: Filter, *, customer: Named, cause: Named) -> list[Condition]:
    """Return what a filter asks for, one value after another."""
    named: Mapping[str, Named] = {"customer": customer, "cause": cause}
    return [
        Condition(word=word, value=value, label=label_of(word, value, named))
        for word in CUT_WORDS
        for value in getattr(cut, word)
    ]


def label_of(word: str, value: str, named: Mapping[str, Named]) -> str:
    """Return what a value of a word means, in a few words."""
    if value == NONE and word in _NONE:
        return _NONE[word]
    match word:
        case "customer":
            return named["customer"](value)
        case "cause":
            kind = next((kind for kind in BreakKind if kind == value), None)
            return words.BREAKS[kind].name if kind else named["cause"](value)
        case "type":
            return next((t for t in _TYPES if t.lower() == value.lower()), value)
        case "currency" if value == UNPRICED:
            return "No amount"
        case _:
            label = _LABELS.get(word)
            return label(value) if label else value


_NONE: Final = {
    "cause": "No cause",
    "currency": "No currency",
    "day": "No date of issue",
    "fingerprint": "No message of a failure",
    "owner": "Whose move: not said",
    "type": "No type",
}
_TYPES: Final = (
    *("Payment", "Refund", "Reward", "Chargeback", "Transfer"),
    *("TransferIn", "TransferOut", "AdjustmentIn", "AdjustmentOut", "Reimbursement"),
)
_LABELS: Final[Mapping[str, Named]] = {
    "state": lambda value: words.STATES[ItemState(value)].name,
    "booked": lambda value: "In the books" if value == "yes" else "Not in the books",
    "half_booked": lambda value: "Half booked" if value == "yes" else "Not half booked",
    "owner": lambda value: f"Whose move: {words.OWNERS[Owner(value)].name}",
    "verdict": lambda value: words.VERDICTS[Verdict(value)].name,
    "age": lambda value: words.AGES[value],
    "day": lambda value: f"Issued on {figures.day(value)}",
    "month": lambda value: f"Issued in {figures.month(value)}",
    "fingerprint": lambda value: f"Failure {value[:8]}",
    "run": lambda value: f"Sent by run {value[:10]}",
    "q": lambda value: f"“{figures.clean(value, 60)}”",
}

_HEADINGS: Final[Mapping[frozenset[ItemState], str]] = {
    NOT_BOOKED: "Not in the books",
    BOOKED: "In the books",
    frozenset(ItemState): "All expenses",
    frozenset({ItemState.BREAK}): "Broken",
    frozenset({ItemState.OPEN}): "Still being decided",
    frozenset({ItemState.MATCHED}): "In the books at once",
    frozenset({ItemState.CLEARED}): "In the books after a mend",
    frozenset({ItemState.RESOLVED}): "Ended by a person",
}

STANDS: Final[Mapping[ItemState, str]] = {
    ItemState.BREAK: "broken",
    ItemState.OPEN: "still being decided",
    ItemState.MATCHED: "in the books at once",
    ItemState.CLEARED: "in the books after a mend",
    ItemState.RESOLVED: "ended by a person",
}
"""How many there are of each state, as a sentence goes on; who has to act is first."""


def states_of(cut: Filter) -> frozenset[ItemState]:
    """Return the states that a filter leaves."""
    states = set(cut.state) or {state.value for state in ItemState}
    if cut.booked:
        wanted = {"yes": BOOKED, "no": NOT_BOOKED}
        states &= {state.value for word in cut.booked for state in wanted[word]}
    if cut.age:
        states &= {ItemState.BREAK.value}
    return frozenset(ItemState(state) for state in states)


def heading_of(cut: Filter, *, cause: Named) -> str:
    """Return what is shown, as the title of its page."""
    heading = _HEADINGS.get(states_of(cut), "Expenses")
    if len(cut.cause) == 1:
        heading = f"{heading}: {label_of('cause', cut.cause[0], {'cause': cause})}"
    return heading


def months_of(months: tuple[str, ...]) -> str:
    """Return months inside a sentence: `January 2026 and February 2026`."""
    names = [figures.month(month) for month in months]
    return f"{', '.join(names[:-1])} and {names[-1]}" if names[1:] else names[0]
