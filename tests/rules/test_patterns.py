"""Patterns that may not end are refused; those that are taken end soon."""

import time

import pytest

from reconcile.rules.patterns import LENGTH_MAX, PatternError, bounded


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+$", "repeats what repeats itself"),
        ("(?:\\w{1,5}){1,9}", "repeats what repeats itself"),
        ("((?:a|b+)){2,3}", "repeats what repeats itself"),
        ("(?>a?){9}", "repeats what repeats itself"),
        ("(?:(?=a+)b){1,3}", "repeats what repeats itself"),
        ("a.*b.*c", "too many ways"),
        ("(a|aa){1,30}$", "too many ways"),
        ("(?:a|a|a|a){10}", "too many ways"),
        ("(?:a|ab){16}", "too many ways"),
        (r"(a)\1", "refers to a group"),
        (r"(a)?(?(1)b|c)", "refers to a group"),
        ("[", "does not compile"),
        ("(?P<x", "does not compile"),
        ("a{99999999999}", "does not compile"),
        (".{0,5}", "matches every text"),
        ("", "matches every text"),
        ("a|", "matches every text"),
        ("a" * (LENGTH_MAX + 1), "characters, more than"),
    ],
)
def test_what_may_not_end_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        bounded(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "lock date",
        "lock.{0,40}date",
        "colou?r",
        r"\baccounts?\b.*closed",
        "(?:archived|deleted|inactive).{0,60}account",
        "(?=lock)l(?>o)c(?!x)k",
        "(?:ab){3}",
    ],
)
def test_what_ends_is_taken_and_ends_soon(pattern: str) -> None:
    compiled = bounded(pattern)

    started = time.process_time()
    compiled.search("account lock " * 315)

    assert time.process_time() - started < 0.5


def test_letters_are_matched_in_any_case() -> None:
    assert bounded("lock date").search("the LOCK Date")
