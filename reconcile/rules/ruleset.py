"""A ruleset: rules in order, and the class of a failure by the first that holds."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property, lru_cache

import attrs

from reconcile.rules.normal import fingerprint, normal
from reconcile.rules.rule import Failure, Rule


@attrs.frozen(kw_only=True, eq=False, slots=False)
class Ruleset:
    """Rules in order, with a name and a version that every report carries.

    `unclassified` speaks where no rule holds.
    """

    name: str
    version: int
    rules: tuple[Rule, ...]
    unclassified: Rule

    @property
    def label(self) -> str:
        """Return the ruleset as reports name it."""
        return f"{self.name}@{self.version}"

    def classify(
        self,
        *,
        message: str | None = None,
        code: int | str | None = None,
        http_status: int | None = None,
        word_class: str | None = None,
        integration_type: str | None = None,
        platform: str | None = None,
        at: datetime | None = None,
    ) -> Rule:
        """Return the first rule that holds of a failure, or that of the unclassified.

        `message` is in Codat's words; `at` is when it failed, None for the rules of
        today. Of a sync as a whole (no `word_class`), a code that names a cause goes
        before the sync's words.
        """
        failure = Failure(
            message=normal(message) if message else None,
            code=code,
            http_status=http_status,
            word_class=word_class,
            integration_type=integration_type,
            platform=platform.casefold() if platform else None,
        )
        return _first(self, failure, self.edition(at))

    def named(self, name: str) -> Rule | None:
        """Return the rule of that name, None where there is none."""
        some = (*self.rules, self.unclassified)
        return next((rule for rule in some if rule.name == name), None)

    def edition(self, at: datetime | None) -> int:
        """Return which of the sets of rules, in force one after another, holds."""
        turns = self._turns
        return len(turns) if at is None else bisect_right(turns, at)

    @cached_property
    def _turns(self) -> list[datetime]:
        return sorted(
            {
                moment
                for rule in self.rules
                for moment in (rule.effective_from, rule.effective_until)
                if moment is not None
            }
        )

    @cached_property
    def _editions(self) -> list[tuple[Rule, ...]]:
        starts = [None, *self._turns]
        return [
            tuple(rule for rule in self.rules if _in_force(rule, start))
            for start in starts
        ]

    def rules_of(self, edition: int) -> tuple[Rule, ...]:
        """Return the rules of an edition, in order."""
        return self._editions[edition]

    def gist(self, message: str) -> str:
        """Return what class and fingerprint look at of a message."""
        return normal(message)

    def fingerprint(
        self, *, message: str | None, code: int | str | None, http_status: int | None
    ) -> str:
        """Return the hash by which the same failure is known again."""
        return fingerprint(message, code=code, http_status=http_status)

    def faults(self) -> Iterator[tuple[Rule, str]]:
        """Yield each rule whose examples it does not class as it says, and how."""
        for rule in self.rules:
            at = rule.effective_from
            edition = self.edition(at) if rule.effective_until else len(self._turns)
            for example in rule.matches:
                found = _first(self, example, edition)
                if found is not rule:
                    yield rule, f"{_shown(example)} is classed {found.name!r}"
            for example in rule.matches_not:
                if _first(self, example, edition) is rule:
                    yield rule, f"{_shown(example)} is classed by it"
            if not rule.matches:
                yield rule, "it has no example that it matches"


def _in_force(rule: Rule, start: datetime | None) -> bool:
    """Return whether a rule holds in the edition that begins at a moment."""
    if start is None:
        return rule.effective_from is None
    begun = rule.effective_from is None or rule.effective_from <= start
    return begun and (rule.effective_until is None or start < rule.effective_until)


@lru_cache(maxsize=4096)
def _first(ruleset: Ruleset, failure: Failure, edition: int) -> Rule:
    rules = ruleset.rules_of(edition)
    if failure.word_class is None and failure.code is not None:
        for rule in rules:
            if rule.names_cause_of(failure.code) and rule.holds(failure):
                return rule
    for rule in rules:
        if rule.holds(failure):
            return rule
    return ruleset.unclassified


def _shown(example: Failure) -> str:
    given = attrs.asdict(example, filter=lambda _, value: value is not None)
    return ", ".join(f"{name} {value!r}" for name, value in given.items())
