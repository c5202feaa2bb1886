"""One leg within one sync: from the set of its reports to its word at a moment.

Rules: `docs/explanation/judgement.md`, section 4.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from reconcile.domain.vocabulary import WordClass, word_class

Said = tuple[str, str | None, datetime]
"""A word, its message, and its effective time."""


class Settled(NamedTuple):
    """A leg's word at a moment; `at` is when it was last said."""

    word_class: WordClass
    word: str
    message: str | None
    at: datetime
    classes: frozenset[WordClass]  # every class said at that latest time
    regressed: bool

    @property
    def conflicting(self) -> bool:
        """Return whether the latest time says two things."""
        return len(self.classes) > 1


def settle(words: Iterable[Said], *, at: datetime) -> Settled | None:
    """Return the word that stands at `at`, or None where nothing was said by then.

    A decision outlives any number of undecided words; the latest decision wins; where
    the latest time says several things, the worse is shown.
    """
    reports = [
        (moment, word_class(word), word, message)
        for word, message, moment in words
        if moment <= at
    ]
    if not reports:
        return None
    if len(reports) == 1:
        moment, only, word, message = reports[0]
        return Settled(only, word, message, moment, _ALONE[only], regressed=False)
    if any(c in _DECIDED for _, c, _, _ in reports):
        reports = [report for report in reports if report[1] != WordClass.UNDECIDED]
    latest = max(report[0] for report in reports)
    now = [report for report in reports if report[0] == latest]
    worst = max(report[1] for report in now)
    word, message = min(
        ((word, message) for _, c, word, message in now if c == worst),
        key=lambda shown: (shown[0], shown[1] is not None, shown[1] or ""),
    )
    return Settled(
        word_class=worst,
        word=word,
        message=message,
        at=latest,
        classes=frozenset(report[1] for report in now),
        regressed=worst == WordClass.FAILED
        and any(
            c == WordClass.WRITTEN and moment < latest for moment, c, _, _ in reports
        ),
    )


_DECIDED = (WordClass.WRITTEN, WordClass.FAILED)
_ALONE = {each: frozenset({each}) for each in WordClass}
