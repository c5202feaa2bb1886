"""The two moments of an audit: as an address names them, and those on offer."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

import attrs

from reconcile.console.asking import Asking, moment_of
from reconcile.console.problems import PageError
from reconcile.report.html import figures

MOMENT_WORDS: Final = ("as_of_a", "known_at_a", "as_of_b", "known_at_b")
_DAY: Final = timedelta(days=1)


@attrs.frozen(kw_only=True)
class AuditMoment:
    """What was so as of a moment, by what was known at another; None: now, and all."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    def query(self) -> dict[str, str | tuple[str, ...]]:
        """Return it as words of an address; () where it names none."""
        return {"as_of": text_of(self.as_of), "known_at": text_of(self.known_at)}


@attrs.frozen(kw_only=True)
class Moments:
    """Two moments, the earlier one first."""

    first: AuditMoment
    second: AuditMoment

    @property
    def between(self) -> AuditMoment:
        """Return the first moment, by what was known at the second."""
        return AuditMoment(as_of=self.first.as_of, known_at=self.second.known_at)

    def query(self) -> dict[str, str | tuple[str, ...]]:
        """Return them as words of an audit's address."""
        return {
            "as_of_a": text_of(self.first.as_of),
            "known_at_a": text_of(self.first.known_at),
            "as_of_b": text_of(self.second.as_of),
            "known_at_b": text_of(self.second.known_at),
        }


def moments_of(asking: Asking, now: datetime) -> Moments:
    """Return the moments that an address names: by default yesterday's end, and now.

    Raises:
        PageError: a moment is none or in the future, or the first is later (400).

    """
    named = {
        word: _to_its_end(moment_of(word, given, now))
        for word in MOMENT_WORDS
        if (given := asking.first(word)) is not None
    }
    second = AuditMoment(
        as_of=named.get("as_of_b", asking.as_of),
        known_at=named.get("known_at_b", asking.known_at),
    )
    if named.keys() & {"as_of_a", "known_at_a"}:
        as_of, known_at = named.get("as_of_a"), named.get("known_at_a")
        first = AuditMoment(as_of=as_of or known_at, known_at=known_at)
    else:
        last = min(m for m in (second.as_of, second.known_at, now) if m is not None)
        first = _yesterday(last).first
    found = Moments(first=first, second=second)
    _check(found, now)
    return found


def _to_its_end(moment: datetime) -> datetime:
    """Return the end of a day where its last second is named, as forms name it."""
    is_last = moment.time() == time(23, 59, 59)
    return moment.replace(microsecond=999_999) if is_last else moment


def _check(found: Moments, now: datetime) -> None:
    """Refuse moments that run backwards."""
    for word, a, b in (
        ("as_of", found.first.as_of, found.second.as_of),
        ("known_at", found.first.known_at, found.second.known_at),
    ):
        if (a or now) > (b or now):
            raise PageError(
                400,
                f"The first {word}, {figures.instant(a or now)}, is later than the"
                f" second, expected {word}_a up to {word}_b.",
            )


def presets_of(now: datetime, months: tuple[str, ...]) -> Mapping[str, Moments]:
    """Return the moments that are offered, by their name: closes, and yesterday."""
    close = _close(now, months)
    name = figures.month(f"{close:%Y-%m}")
    as_reported = AuditMoment(as_of=close, known_at=close)
    return {
        f"The close of {name}, as reported and as known now": Moments(
            first=as_reported, second=AuditMoment(as_of=close)
        ),
        f"The close of {name} to now": Moments(first=as_reported, second=AuditMoment()),
        "Yesterday to now": _yesterday(now),
    }


def _yesterday(now: datetime) -> Moments:
    end = _end_before(now)
    return Moments(first=AuditMoment(as_of=end, known_at=end), second=AuditMoment())


def _close(now: datetime, months: tuple[str, ...]) -> datetime:
    """Return the end of a month: of the one that is asked for, else of the last."""
    for month in months:
        first = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
        end = _end_before((first + 31 * _DAY).replace(day=1))
        if end <= now:
            return end
    return _end_before(now.astimezone(UTC).replace(day=1))


def _end_before(moment: datetime) -> datetime:
    """Return the end of the day before a moment's day."""
    midnight = datetime.combine(moment.astimezone(UTC).date(), time(0), UTC)
    return midnight - timedelta(microseconds=1)


def text_of(moment: datetime | None) -> str | tuple[str, ...]:
    """Return a moment as an address has it; () for none."""
    if moment is None:
        return ()
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
