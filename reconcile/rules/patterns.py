"""Patterns that end: regular expressions whose search costs a bounded number of steps.

A host's rule must not be able to stop a report, so a pattern that could backtrack
without end is refused when it is loaded: no repeat stands in another, and all of them
together allow few ways to match. `{1,60}` in place of `+` allows fewer.
"""

import re
from re import _constants, _parser  # type: ignore[attr-defined]  # no public parser
from typing import Any, Final

WAYS_MAX: Final = 20_000
LENGTH_MAX: Final = 2_000
_UNBOUNDED: Final = 4_096  # what a repeat without an upper bound counts for


class PatternError(Exception):
    """A pattern that does not compile, matches anything, or may not end."""


def bounded(pattern: str) -> re.Pattern[str]:
    """Return a pattern compiled, to be searched without regard to case.

    Raises:
        PatternError: it does not compile, matches an empty text, or may take too long.

    """
    if len(pattern) > LENGTH_MAX:
        raise PatternError(
            f"the pattern has {len(pattern)} characters, more than {LENGTH_MAX}"
        )
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
        parsed = _parser.parse(pattern, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"the pattern does not compile: {error}") from error
    ways = _ways(parsed)
    if ways > WAYS_MAX:
        raise PatternError(
            "the pattern can match in too many ways to end soon:"
            " have fewer repeats, or bounds such as {0,60} in place of *"
        )
    if compiled.search(""):
        raise PatternError("the pattern matches every text")
    return compiled


def _ways(parsed: Any) -> int:
    """Return an upper bound of the ways to match a sequence from one place."""
    ways = 1
    for name, value in parsed:
        ways *= _ways_of(name, value)
    return ways


def _ways_of(name: Any, value: Any) -> int:
    if name in _REPEATS:
        low, high, inner = value
        high = min(int(high), int(low) + _UNBOUNDED)
        if any(_repeats(part) for part in inner):
            raise PatternError(
                "the pattern repeats what repeats itself: it may not end"
            )
        return (high - int(low) + 1) * int(_ways(inner) ** min(high, 64))
    if name is _constants.SUBPATTERN:
        return _ways(value[3])
    if name is _constants.ATOMIC_GROUP:
        return _ways(value)
    if name is _constants.BRANCH:
        return _ways_of_branches(value[1])
    if name in (_constants.ASSERT, _constants.ASSERT_NOT):
        return _ways(value[1])
    if name in _REFERENCES:
        raise PatternError("the pattern refers to a group of its own: it may not end")
    return 1


def _ways_of_branches(branches: Any) -> int:
    """Return the ways of the alternatives that can match at one place."""
    by_first: dict[int, int] = {}
    anywhere = 0
    for branch in branches:
        first = branch[0] if len(branch) else None
        if first is not None and first[0] is _constants.LITERAL:
            by_first[first[1]] = by_first.get(first[1], 0) + _ways(branch)
        else:
            anywhere += _ways(branch)
    return anywhere + max(by_first.values(), default=0)


_REPEATS: Final = (
    _constants.MAX_REPEAT,
    _constants.MIN_REPEAT,
    _constants.POSSESSIVE_REPEAT,
)
_REFERENCES: Final = (_constants.GROUPREF, _constants.GROUPREF_EXISTS)


def _repeats(part: tuple[Any, Any]) -> bool:
    """Return whether a part of a pattern is, or holds, a repeat of varying length."""
    name, value = part
    if name in _REPEATS:
        return bool(value[0] != value[1]) or any(_repeats(p) for p in value[2])
    if name is _constants.SUBPATTERN:
        return any(_repeats(p) for p in value[3])
    if name is _constants.ATOMIC_GROUP:
        return any(_repeats(p) for p in value)
    if name is _constants.BRANCH:
        return any(_repeats(p) for branch in value[1] for p in branch)
    if name in (_constants.ASSERT, _constants.ASSERT_NOT):
        return any(_repeats(p) for p in value[1])
    return False
