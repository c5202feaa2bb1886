"""Read a ruleset from TOML, whole or not at all; errors name file and line."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import attrs
import msgspec

from reconcile.domain.vocabulary import Action, Owner, Verdict
from reconcile.errors import UsageError
from reconcile.rules.normal import normal
from reconcile.rules.patterns import PatternError, bounded
from reconcile.rules.rule import VERDICT_OF, Backoff, Failure, Match, Rule, Until
from reconcile.rules.ruleset import Ruleset


class _Match(msgspec.Struct, forbid_unknown_fields=True):
    pattern: str | None = None
    codes: list[int] = []
    http_statuses: list[int | Literal["4xx"]] = []
    word_classes: list[Literal["failed", "unrecognised"]] = []
    integration_types: list[str] = []
    platforms: list[str] = []


class _Backoff(msgspec.Struct, forbid_unknown_fields=True):
    first_min: float = 15
    longest_min: float = 360
    tries_max: int = 8
    until: Until | None = None


class _Example(msgspec.Struct, forbid_unknown_fields=True):
    message: str | None = None
    code: int | None = None
    http_status: int | None = None
    word_class: str | None = None
    integration_type: str | None = None
    platform: str | None = None


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    title: str
    means: str
    steps: list[str]
    owner: Owner
    action: Action
    source: str
    basis: Literal["documented", "inferred"]
    is_not: str | None = None
    verdict: Verdict | None = None
    backoff: _Backoff | None = None
    customer: str | None = None
    general: bool = False
    match: _Match | list[_Match] = []
    matches: list[str | _Example] = []
    matches_not: list[str | _Example] = []
    effective_from: Any = None
    effective_until: Any = None


class _Ruleset(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    version: int
    extends: str | None = None
    unclassified: _Rule | None = None
    rule: list[_Rule] = []


def load(
    text: str, *, where: str = "the ruleset", base: Ruleset | None = None
) -> Ruleset:
    """Return the ruleset that a TOML text describes.

    With `extends` the rules of `base` follow: a rule of the same name takes the place
    of the base's, any other stands before them. `where` names the text in errors.

    Raises:
        UsageError: the text is no ruleset; the error says where, and what is expected.

    """
    places = _Places(text, where)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is not TOML: {error}") from error
    try:
        given = msgspec.convert(data, _Ruleset)
    except msgspec.ValidationError as error:
        raise places.error(*_told(str(error))) from error
    own = [
        _rule(entry, places, f"rule[{number}]")
        for number, entry in enumerate(given.rule)
    ]
    places.refuse_twins(own)
    unclassified = None
    if given.unclassified is not None:
        unclassified = _rule(given.unclassified, places, "unclassified")
    if given.extends is not None:
        if base is None or base.name != given.extends:
            known = "no ruleset" if base is None else repr(base.name)
            raise places.error(
                "extends", f"{given.extends!r} is not known: expected {known}"
            )
        own = [*_merged(own, base)]
        unclassified = unclassified or base.unclassified
    if unclassified is None:
        raise UsageError(f"{where} has no [unclassified], and extends no other")
    return Ruleset(
        name=given.name,
        version=given.version,
        rules=tuple(own),
        unclassified=unclassified,
    )


def _merged(own: list[Rule], base: Ruleset) -> Iterable[Rule]:
    replaced = {rule.name: rule for rule in base.rules}
    mine = {rule.name: rule for rule in own}
    yield from (rule for rule in own if rule.name not in replaced)
    yield from (mine.get(name, rule) for name, rule in replaced.items())


def _rule(entry: _Rule, places: "_Places", path: str) -> Rule:
    given = [entry.match] if isinstance(entry.match, _Match) else entry.match
    if path != "unclassified" and (not given or any(map(_matches_all, given))):
        raise places.error(
            f"{path}.match",
            f"rule {entry.name!r} matches everything: expected a pattern, a code, an"
            " HTTP status, an integration type or a platform",
        )
    for name in ("name", "title", "means", "source"):
        if not getattr(entry, name).strip():
            raise places.error(f"{path}.{name}", "is empty: expected a text")
    if not entry.steps:
        raise places.error(f"{path}.steps", "is empty: expected a step to take")
    return Rule(
        name=entry.name,
        title=entry.title,
        means=entry.means,
        is_not=entry.is_not,
        steps=tuple(entry.steps),
        owner=entry.owner,
        action=entry.action,
        verdict=_verdict(entry, places, path),
        backoff=_backoff(entry.backoff, places, path),
        customer=entry.customer,
        source=entry.source,
        documented=entry.basis == "documented",
        general=entry.general,
        match=tuple([_match(match, places, path) for match in given]),
        matches=tuple(_failure(example) for example in entry.matches),
        matches_not=tuple(_failure(example) for example in entry.matches_not),
        effective_from=_moment(entry.effective_from, places, f"{path}.effective_from"),
        effective_until=_moment(
            entry.effective_until, places, f"{path}.effective_until"
        ),
    )


def _match(given: _Match, places: "_Places", path: str) -> Match:
    pattern = None
    if given.pattern is not None:
        try:
            pattern = bounded(given.pattern)
        except PatternError as error:
            raise places.error(f"{path}.match.pattern", str(error)) from error
    return Match(
        pattern=pattern,
        codes=frozenset(given.codes),
        http_statuses=frozenset(_statuses(given.http_statuses)),
        word_classes=frozenset(given.word_classes),
        integration_types=frozenset(given.integration_types),
        platforms=frozenset(name.casefold() for name in given.platforms),
    )


def _matches_all(match: _Match) -> bool:
    return not (
        match.pattern
        or match.codes
        or match.http_statuses
        or match.integration_types
        or match.platforms
    )


def _statuses(given: Iterable[int | str]) -> Iterable[int]:
    for status in given:
        if isinstance(status, int):
            yield status
        else:
            yield from range(400, 500)


def _verdict(entry: _Rule, places: "_Places", path: str) -> Verdict:
    verdict = VERDICT_OF.get(entry.action)
    if verdict is None:
        known = ", ".join(VERDICT_OF)
        raise places.error(
            f"{path}.action",
            f"{entry.action.value!r} is not for a rule to ask: expected one of {known}",
        )
    if entry.verdict is None or entry.verdict is verdict:
        return verdict
    if entry.action is Action.LOOK_IN_BOOKS and entry.verdict is Verdict.NEVER:
        return Verdict.NEVER
    raise places.error(
        f"{path}.verdict",
        f"{entry.verdict.value} does not go with {entry.action.value!r}:"
        f" expected {verdict.value}",
    )


def _backoff(given: _Backoff | None, places: "_Places", path: str) -> Backoff | None:
    if given is None:
        return None
    minutes = given.first_min, given.longest_min
    if not all(0 < m <= _MINUTES_MAX for m in minutes) or given.tries_max < 1:
        raise places.error(
            f"{path}.backoff",
            f"{given} is not a backoff: expected minutes above 0, and at least 1 try",
        )
    return Backoff(
        first=timedelta(minutes=given.first_min),
        longest=timedelta(minutes=given.longest_min),
        tries_max=given.tries_max,
        until=given.until,
    )


_MINUTES_MAX: Final = 366 * 24 * 60


def _failure(example: str | _Example) -> Failure:
    if isinstance(example, str):
        return Failure(message=normal(example), word_class="failed")
    return Failure(
        message=None if example.message is None else normal(example.message),
        code=example.code,
        http_status=example.http_status,
        word_class=example.word_class,
        integration_type=example.integration_type,
        platform=example.platform,
    )


def _moment(given: object, places: "_Places", path: str) -> datetime | None:
    if given is None:
        return None
    if not isinstance(given, datetime):
        raise places.error(path, f"{given!s} is not a time: expected one with a zone")
    if given.tzinfo is None:
        raise places.error(path, f"{given.isoformat()} has no zone: expected one")
    return given


def _told(error: str) -> tuple[str, str]:
    """Return where in the data something is wrong, and what."""
    found = re.fullmatch(r"(.*?) - at `(?:key in )?\$\.?(.*)`", error, re.DOTALL)
    path, what = (found[2], found[1]) if found else ("", error)
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", what)
    if unknown:
        known = path.split("[")[0].split(".")[-1] or "a ruleset"
        return f"{path}.{unknown[1]}", f"is not known as a field of {known}"
    field = path.rsplit(".", 1)[-1]
    if what.startswith("Invalid enum value"):
        value = what.removeprefix("Invalid enum value ")
        choices = _CHOICES.get(field.split("[")[0], ())
        return path, f"{value} is not known: expected one of {', '.join(choices)}"
    return path, what[:1].lower() + what[1:]


_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "owner": tuple(Owner),
    "action": tuple(VERDICT_OF),
    "verdict": tuple(Verdict),
    "until": tuple(Until),
    "basis": ("documented", "inferred"),
    "word_classes": ("failed", "unrecognised"),
}


@attrs.frozen
class _Places:
    """Where in the text things stand, for errors."""

    text: str
    where: str

    def error(self, path: str, what: str) -> UsageError:
        """Return the error that says what is wrong, with file, line and field."""
        line = self._line(path)
        field = re.sub(r"^(?:rule\[\d+\]|unclassified)\.?", "", path)
        return UsageError(
            f"{self.where}, line {line}: {f'{field}: ' if field else ''}{what}"
        )

    def refuse_twins(self, rules: list[Rule]) -> None:
        """Raise where two rules have one name."""
        seen: dict[str, int] = {}
        for number, rule in enumerate(rules):
            if rule.name in seen:
                first = self._line(f"rule[{seen[rule.name]}].name")
                raise self.error(
                    f"rule[{number}].name",
                    f"{rule.name!r} is the name of the rule on line {first} too:"
                    " expected another",
                )
            seen[rule.name] = number

    def _line(self, path: str) -> int:
        """Return the line of the field, else of its rule, else the first."""
        lines = self.text.splitlines()
        heads = [n for n, line in enumerate(lines) if re.match(r"\s*\[", line)]
        start, stop = 0, next((n for n in heads), len(lines))
        found = re.match(r"rule\[(\d+)\]", path)
        if found or path.startswith("unclassified"):
            mark = r"\s*\[\[\s*rule\s*\]\]" if found else r"\s*\[\s*unclassified\s*\]"
            blocks = [n for n in heads if re.match(mark, lines[n])]
            index = int(found[1]) if found else 0
            if index < len(blocks):
                start = blocks[index]
                # Its own sub-tables belong to it: [rule.match], [rule.backoff].
                ends = [n for n in heads if n > start and not _is_inner(lines[n])]
                stop = ends[0] if ends else len(lines)
        for field in reversed(re.findall(r"[A-Za-z_]+", path)):
            for number in range(start, stop):
                if re.match(rf"\s*{field}\s*[=.]|\s*\[rule\.{field}\]", lines[number]):
                    return number + 1
        return start + 1


def _is_inner(line: str) -> bool:
    return re.match(r"\s*\[(?:rule|unclassified)\.", line) is not None
