"""What an address asks: its query words as a plain value, and back into words."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import parse_qsl

import attrs

from reconcile.console.problems import PageError
from reconcile.domain.identity import canonical_id
from reconcile.domain.instants import EPOCH, parse_instant

FILTER_WORDS: Final = (
    "customer",
    "state",
    "booked",
    "cause",
    "fingerprint",
    "owner",
    "verdict",
    "currency",
    "type",
    "age",
    "day",
    "month",
    "half_booked",
    "run",
    "q",
    "sort",
    "after",
    "as_of",
    "known_at",
)
"""Every word that an address may have; a page takes all of them or some."""
SCOPE_WORDS: Final = ("customer", "month", "as_of", "known_at")
"""The words that go along with every link."""
_MOMENTS: Final = ("as_of", "known_at")
_ONCE: Final = ("q", "sort", "after", *_MOMENTS)
_WORDS_MAX: Final = 200
_LENGTH_MAX: Final = 1000
_SHOWN_MAX: Final = 60
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_WITHOUT_ZONE: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?", re.ASCII
).fullmatch


@attrs.frozen(kw_only=True)
class Asking:
    """What was asked: words with their values, and the moments among them."""

    words: Mapping[str, tuple[str, ...]]
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def is_past(self) -> bool:
        """Return whether a moment is named: the page is then read only."""
        return self.as_of is not None or self.known_at is not None

    def first(self, word: str) -> str | None:
        """Return the only or first value of a word, None where it is not there."""
        return next(iter(self.words.get(word, ())), None)

    def scope(self) -> dict[str, tuple[str, ...]]:
        """Return the words that go along with every link."""
        return {word: self.words[word] for word in SCOPE_WORDS if word in self.words}

    def kept_but(self, *dropped: str) -> dict[str, tuple[str, ...]]:
        """Return all words but some, and but the place in the list."""
        return {
            word: values
            for word, values in self.words.items()
            if word not in (*dropped, "after")
        }


def asking(query: str, *, known: Collection[str], now: datetime) -> Asking:
    """Return what a query asks; an empty field asks nothing.

    Raises:
        PageError: a word is not known here, or its value makes no sense (400).

    """
    words: dict[str, list[str]] = {}
    for word, value in _pairs(query):
        if word not in known:
            raise _refused(
                f"the filter {_quoted(word)} is not known here, expected"
                f" {_one_of(known)}"
            )
        if value.strip():
            words.setdefault(word, []).append(_checked(word, value.strip()))
    for word in _ONCE:
        if len(words.get(word, ())) > 1:
            raise _refused(
                f"the word {word} is given {len(words[word])} times, expected once"
            )
    moments = {
        word: moment_of(word, words[word][0], now) for word in _MOMENTS if word in words
    }
    if "known_at" in moments:  # nothing later was known
        moments.setdefault("as_of", moments["known_at"])
    return Asking(
        words={word: tuple(dict.fromkeys(values)) for word, values in words.items()},
        **moments,
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_WORDS_MAX)
    except ValueError as error:
        raise _refused(
            f"the address has too many filters, expected {_WORDS_MAX} at most"
        ) from error


def _checked(word: str, value: str) -> str:
    """Return a value in its one spelling."""
    if len(value) > _LENGTH_MAX:
        raise _refused(
            f"the value of {word} has {len(value):,} characters, expected"
            f" {_LENGTH_MAX:,} at most"
        )
    if _CONTROLS(value):
        raise _refused(f"the value of {word} has a control character, expected text")
    check = _CHECKS.get(word)
    if check is not None and not check[0](value):
        raise _refused(
            f"the value {_quoted(value)} of {word} is not valid, expected {check[1]}"
        )
    return canonical_id(value) if word == "customer" else value


def moment_of(word: str, text: str, now: datetime) -> datetime:
    """Return a moment; without a zone it is UTC, and a date is the end of its day.

    Raises:
        PageError: it is none, in the future, or before 1970 (400).

    """
    moment = None
    if _DATE(text):
        moment = parse_instant(f"{text}T23:59:59.999999Z")
    elif _WITHOUT_ZONE(text):
        moment = parse_instant(f"{text}Z")
    else:
        moment = parse_instant(text)
    if moment is None:
        raise _refused(
            f"the moment {_quoted(text)} of {word} is not valid, expected a date or a"
            " time such as 2026-02-03T09:40"
        )
    if moment > now:
        day = ", as a date is the end of its day in UTC" if _DATE(text) else ""
        raise _refused(
            f"the moment {_quoted(text)} of {word} is in the future{day}, expected one"
            " up to now"
        )
    if moment < EPOCH:
        raise _refused(
            f"the moment {_quoted(text)} of {word} is before 1970, expected a later one"
        )
    return moment.astimezone(UTC)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return bool(_DATE(text))


def _one_of(words: Collection[str]) -> str:
    listed = [*words]
    return f"one of {', '.join(listed)}" if len(listed) > 1 else listed[0]


def _quoted(text: str) -> str:
    short = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
    return repr(short)


def _refused(sentence: str) -> PageError:
    return PageError(400, f"{sentence[0].upper()}{sentence[1:]}.")


_CHECKS: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "month": (lambda text: _is_date(f"{text}-01"), "a month such as 2026-02"),
    "day": (
        lambda text: text == "none" or _is_date(text),
        "a date such as 2026-02-03, or none",
    ),
}
"""Of words that go along with links; the others are checked by what filters."""
