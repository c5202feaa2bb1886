"""A decision as a form asks for it: read once, with what is wrong tied to its field."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import attrs

from reconcile.console.asking import FILTER_WORDS
from reconcile.console.deciding.kinds import CHOICES
from reconcile.console.filter import Filter
from reconcile.console.problems import PageError
from reconcile.console.ticks import pair_of
from reconcile.domain.identity import canonical_id
from reconcile.errors import UsageError

REASON_MIN: Final = 8
REASON_MAX: Final = 2000
FIELD_MAX: Final = 200
Form = Mapping[str, list[str]]
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_OF_A_FILTER: Final = ("sort", "after", "as_of", "known_at")


@attrs.frozen(kw_only=True)
class DecisionAsked:
    """What is to be decided, about what, and why.

    It is about `pairs` of company and expense, about all of `cut`, or about a `mend`:
    a company and a fingerprint. `stood` is how each pair was when it was seen, `seen`
    the digest of all of it, `position` the event that it was seen at. `reason` is None
    where no form asked for it yet.
    """

    kind: str
    pairs: tuple[tuple[str, str], ...] = ()
    stood: tuple[str, ...] = ()
    cut: str | None = None
    mend: tuple[str, str] | None = None
    seen: str | None = None
    position: int | None = None
    number: int | None = None
    entry: str = ""
    to: str = ""
    reason: str | None = None

    @property
    def recorded_reason(self) -> str:
        """Return the reason as it is recorded: with the entry of what was booked."""
        entry = f"Entry {self.entry}: " if self.kind == "booked" else ""
        return entry + (self.reason or "")

    def errors(self) -> dict[str, str]:
        """Return what is wrong with what was typed, by its field."""
        found: dict[str, str] = {}
        if self.kind not in CHOICES:
            found["kind"] = "Choose what was decided."
        if self.kind == "mended" and self.mend is None:
            found["kind"] = (
                "A mend is of one cause at one customer: choose which, and the others"
                " after it."
            )
        if self.kind == "booked" and not self.entry:
            found["entry"] = "Give the number of the entry in their books."
        if self.kind == "moved" and not self.to:
            found["to"] = "Choose the company that has it now."
        if self.reason is not None and (why := reason_error(self.reason)):
            found["reason"] = why
        return found

    def filter(self) -> Filter:
        """Return the cut as a filter.

        Raises:
            PageError: it is none (400).

        """
        return filter_of(self.cut or "")


def reason_error(reason: str) -> str | None:
    """Return what is wrong with a reason, None where it may be recorded."""
    if len(reason) < REASON_MIN:
        return (
            f"Write at least {REASON_MIN} characters: who said so, when, and where it"
            " can be read."
        )
    if len(reason) > REASON_MAX:
        return f"Write at most {REASON_MAX:,} characters; this has {len(reason):,}."
    return None


def decision_asked(form: Form) -> DecisionAsked:
    """Return what a form asks for.

    Raises:
        PageError: an expense, a cause or a number is none (400).

    """
    kind = text_of(form, "kind")
    if kind == "mended" and text_of(form, "mend"):
        return _asked(form, kind, mend=_pair(text_of(form, "mend")))
    if text_of(form, "which") == "all":
        return _asked(form, kind, cut=text_of(form, "cut", longest=8000))
    named = [_pair(value) for value in form.get("item", ())]
    pairs = tuple(dict.fromkeys((c, canonical_id(name)) for c, name in named))
    return _asked(form, kind, pairs=pairs)


def _asked(
    form: Form,
    kind: str,
    *,
    pairs: tuple[tuple[str, str], ...] = (),
    cut: str | None = None,
    mend: tuple[str, str] | None = None,
) -> DecisionAsked:
    return DecisionAsked(
        kind=kind,
        pairs=pairs,
        stood=tuple(form.get("stood", ())),
        cut=cut,
        mend=mend,
        seen=text_of(form, "seen") or None,
        position=_number(form, "position"),
        number=_number(form, "number"),
        entry=text_of(form, "entry"),
        to=text_of(form, "to"),
        reason=words_of(form, "reason") if "reason" in form else None,
    )


def text_of(form: Form, name: str, *, longest: int = FIELD_MAX) -> str:
    """Return the text of a field on one line, "" where it is not there.

    Raises:
        PageError: it is too long (400).

    """
    found = " ".join(words_of(form, name).split())
    if len(found) > longest:
        raise PageError(
            400,
            f"The field {name} has {len(found):,} characters, expected {longest:,} at"
            " most; nothing was recorded.",
        )
    return found


def words_of(form: Form, name: str) -> str:
    """Return what was typed in a field, without controls and blanks around it."""
    found = next(iter(form.get(name, ())), "").replace("\r\n", "\n")
    return _CONTROLS.sub(" ", found).strip()


def filter_of(query: str) -> Filter:
    """Return the filter that a query of a list's page asks for.

    Raises:
        PageError: it asks for something that no list has (400).

    """
    words: dict[str, tuple[str, ...]] = {}
    for word, value in parse_qsl(query, max_num_fields=FIELD_MAX):
        if word not in FILTER_WORDS:
            raise PageError(400, _NO_FILTER)
        if word not in _NOT_OF_A_FILTER and value.strip():
            words[word] = (*words.get(word, ()), value.strip())
    try:
        return Filter(**words)
    except (UsageError, ValueError) as error:
        raise PageError(400, _NO_FILTER) from error


_NO_FILTER: Final = (
    "The form names a filter that no list has, so nothing was recorded; open the list"
    " again."
)


def _pair(value: str) -> tuple[str, str]:
    found = pair_of(value)
    if found is None:
        raise PageError(
            400,
            "The form names something that is not an expense or a cause, so nothing was"
            " recorded; open the page again.",
        )
    return canonical_id(found[0]), found[1]


def _number(form: Form, name: str) -> int | None:
    text = text_of(form, name)
    known = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    return int(text) if known else None


_DIGITS_MAX: Final = 18
