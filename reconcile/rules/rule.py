"""One rule: what it matches, why it happened, whose move it is and what comes next."""

import calendar
import enum
import re
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from reconcile.domain.instants import later
from reconcile.domain.vocabulary import Action, Owner, Verdict


@attrs.frozen(kw_only=True)
class Failure:
    """A failure in Codat's words, as rules look at it.

    `message` is in normal form (`normal.py`). `code` is the sync's, `http_status` that
    of a refused call; `word_class` is "failed" or "unrecognised"; `platform` is known
    only where the host tells it.
    """

    message: str | None = None
    code: int | str | None = None
    http_status: int | None = None
    word_class: str | None = None
    integration_type: str | None = None
    platform: str | None = None


@attrs.frozen(kw_only=True)
class Match:
    """The conditions of a rule; an absent one always holds."""

    pattern: re.Pattern[str] | None = None
    codes: frozenset[int] = frozenset()
    http_statuses: frozenset[int] = frozenset()
    word_classes: frozenset[str] = frozenset()
    integration_types: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()

    def holds(self, failure: Failure) -> bool:
        """Return whether every condition holds."""
        return (
            (not self.codes or failure.code in self.codes)
            and (not self.http_statuses or failure.http_status in self.http_statuses)
            and (not self.word_classes or failure.word_class in self.word_classes)
            and (
                not self.integration_types
                or failure.integration_type in self.integration_types
            )
            and (not self.platforms or failure.platform in self.platforms)
            and (
                self.pattern is None
                or (
                    failure.message is not None
                    and self.pattern.search(failure.message) is not None
                )
            )
        )


class Until(enum.StrEnum):
    """A limit that ends by the calendar, in UTC."""

    NEXT_DAY = "next_day"
    NEXT_MONTH = "next_month"


@attrs.frozen(kw_only=True)
class Backoff:
    """When a failure that passes by itself may be tried again, and how often."""

    first: timedelta = timedelta(minutes=15)
    longest: timedelta = timedelta(hours=6)
    tries_max: int = 8
    until: Until | None = None

    def not_before(self, failed_at: datetime, tries: int) -> datetime:
        """Return the moment of the next try, after so many that failed."""
        if self.until is not None:
            return _turn(failed_at, self.until)
        doubled = self.first * 2 ** min(max(tries - 1, 0), _DOUBLINGS_MAX)
        return later(failed_at, min(doubled, self.longest))

    def spent(self, tries: int) -> bool:
        """Return whether no further try is worth making by itself."""
        return tries >= self.tries_max


_DOUBLINGS_MAX: Final = 16


def _turn(moment: datetime, until: Until) -> datetime:
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if until is Until.NEXT_DAY:
        return later(midnight, timedelta(days=1))
    days = calendar.monthrange(midnight.year, midnight.month)[1]
    return later(midnight.replace(day=1), timedelta(days=days))


@attrs.frozen(kw_only=True)
class Rule:
    """Why something failed, and what to do about it.

    `name` is the cause as reports and tables name it, `title` the same for people.
    `customer` may be shown to the customer; None where they need not know.
    """

    name: str
    title: str
    means: str
    is_not: str | None = None
    steps: tuple[str, ...]
    owner: Owner
    action: Action
    verdict: Verdict
    backoff: Backoff | None = None
    customer: str | None = None
    source: str
    documented: bool
    general: bool = False  # its code says little: a sync's own words go before it
    match: tuple[Match, ...] = ()
    matches: tuple[Failure, ...] = ()
    matches_not: tuple[Failure, ...] = ()
    effective_from: datetime | None = None
    effective_until: datetime | None = None

    @property
    def advice(self) -> str:
        """Return the steps to take, as a text."""
        return " ".join(self.steps)

    def holds(self, failure: Failure) -> bool:
        """Return whether one of its alternatives holds."""
        return any(match.holds(failure) for match in self.match)

    def names_cause_of(self, code: int | str) -> bool:
        """Return whether the sync's code alone tells this cause."""
        return not self.general and any(
            code in match.codes and match.pattern is None for match in self.match
        )

    def not_before(self, failed_at: datetime, tries: int) -> datetime | None:
        """Return when it may be tried again, after so many tries that failed so."""
        if self.backoff is None:
            return None
        return self.backoff.not_before(failed_at, tries)

    def spent(self, tries: int) -> bool:
        """Return whether so many tries failed that waiting helps no longer."""
        return self.backoff is not None and self.backoff.spent(tries)


VERDICT_OF: Final = {
    Action.RESEND: Verdict.RESEND,
    Action.RESEND_WITHOUT: Verdict.RESEND,
    Action.RESEND_CHANGED: Verdict.FIX_FIRST,
    Action.MEND_OURS: Verdict.FIX_FIRST,
    Action.ASK_CUSTOMER: Verdict.FIX_FIRST,
    Action.ASK_CODAT: Verdict.FIX_FIRST,
    Action.LOOK_IN_BOOKS: Verdict.FIX_FIRST,
}
"""What a rule may ask for, and whether it may then be sent again."""
