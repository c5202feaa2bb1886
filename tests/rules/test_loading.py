"""A ruleset is loaded whole or not at all; what is wrong is told with file and line."""

from datetime import UTC, datetime

import pytest

from reconcile.domain.vocabulary import Verdict
from reconcile.errors import UsageError
from reconcile.rules import BUILT_IN, Ruleset, load

HEAD = 'name = "own"\nversion = 3\nextends = "codat"\n'
RULE = """
[[rule]]
name = "odd"
title = "It is odd"
means = "Something is odd."
steps = ["Look."]
owner = "us"
action = "resend_changed"
source = "our own"
basis = "inferred"
match = { pattern = "odd" }
"""
UNCLASSIFIED = RULE.replace("[[rule]]", "[unclassified]").replace(
    'match = { pattern = "odd" }\n', ""
)


def own(text: str) -> Ruleset:
    return load(text, where="own.toml", base=BUILT_IN)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("name = ", None, "is not TOML"),
        ("", 1, "missing required field `name`"),
        ('name = "x"\nversion = "1"', 2, "version: expected `int`, got `str`"),
        ('name = "x"\nversion = 1', None, "has no .unclassified., and extends no"),
        ('name = "x"\nversion = 1\nrule = [7]', 3, "expected `object`, got `int`"),
        ('name = "x"\nversion = 1\nextends = "y"', 3, "'y' is not known: expected 'c"),
        (HEAD + RULE.replace('"us"', '"ops"'), 10, "owner: 'ops' is not known: expect"),
        (
            HEAD + RULE.replace('"resend_changed"', '"x"'),
            11,
            "action: 'x' is not known",
        ),
        (HEAD + RULE.replace('"resend_changed"', '"none"'), 11, "'none' is not for a"),
        (
            HEAD + RULE.replace('"inferred"', '"x"'),
            13,
            "basis: 'x' is not known: expect",
        ),
        (HEAD + RULE.replace('"odd" }', '"(" }'), 14, "pattern does not compile"),
        (HEAD + RULE.replace('"odd" }', '"(o+)+" }'), 14, "it may not end"),
        (
            HEAD + RULE.replace('pattern = "odd"', "codes = 7"),
            14,
            "codes: expected `arr",
        ),
        (
            HEAD + RULE.replace('pattern = "odd"', ""),
            14,
            "matches everything: expected",
        ),
        (HEAD + RULE.replace('"odd" }', '".*" }'), 14, "matches every text"),
        (HEAD + RULE + RULE, 17, "'odd' is the name of the rule on line 6 too"),
        (HEAD + RULE.replace('["Look."]', "[]"), 9, "steps: is empty: expected a step"),
        (HEAD + RULE.replace('"It is odd"', '" "'), 7, "title: is empty: expected a t"),
        (HEAD + RULE + "spam = 1\n", 15, "spam: is not known as a field of rule"),
        (
            HEAD + RULE + "effective_from = 2026-01-01T00:00:00\n",
            15,
            "effective_from: 2026-01-01T00:00:00 has no zone: expected one",
        ),
        (
            HEAD + RULE + "effective_until = 2026-01-01\n",
            15,
            "effective_until: 2026-01-01 is not a time: expected one with a zone",
        ),
        (HEAD + RULE + 'verdict = "NEVER"\n', 15, "NEVER does not go with 'resend_ch"),
        (HEAD + RULE + "[rule.backoff]\ntries_max = 0\n", 15, "expected minutes above"),
        (HEAD + RULE + "[rule.backoff]\nuntil = 'x'\n", 16, "'x' is not known: expect"),
        (HEAD + UNCLASSIFIED.replace('"us"', '"ops"'), 10, "owner: 'ops' is not known"),
    ],
)
def test_what_is_no_ruleset_says_where_and_why(
    text: str, line: int | None, why: str
) -> None:
    where = r"own\.toml" + ("" if line is None else f", line {line}:")

    with pytest.raises(UsageError, match=f"{where}.*{why}"):
        own(text)


def test_a_ruleset_that_extends_none_needs_its_own_unclassified() -> None:
    alone = load('name = "x"\nversion = 1\n' + UNCLASSIFIED)

    assert alone.classify(message="anything").name == "odd"
    with pytest.raises(UsageError, match="'codat' is not known: expected no ruleset"):
        load(HEAD)


def test_a_hosts_rule_stands_before_those_it_extends() -> None:
    rules = own(HEAD + RULE.replace('"odd" }', '"lock date" }'))

    assert rules.label == "own@3"
    assert rules.classify(message="Before the lock date").name == "odd"
    assert rules.classify(code=4260).name == "subscription_lapsed"
    assert rules.unclassified is BUILT_IN.unclassified


def test_a_hosts_rule_takes_the_place_of_the_one_of_its_name() -> None:
    changed = RULE.replace('"odd"\n', '"period_locked"\n').replace('"odd" }', '"odd" }')

    rules = own(HEAD + changed + UNCLASSIFIED.replace('"odd"\n', '"nobody"\n'))

    assert len(rules.rules) == len(BUILT_IN.rules)
    assert rules.classify(message="It is odd").name == "period_locked"
    assert rules.classify(message="Before the lock date").name == "nobody"


def test_a_rule_may_have_alternatives() -> None:
    rules = own(
        HEAD
        + RULE.replace('{ pattern = "odd" }', '[{ codes = [7] }, { pattern = "odd" }]')
    )

    assert rules.classify(message="odd").name == "odd"
    assert rules.classify(code=7).name == "odd"
    assert rules.classify(code=8).name == "unclassified"


def test_what_is_in_force_is_asked_of_the_moment_of_the_failure() -> None:
    dated = RULE + "effective_from = 2026-02-01T00:00:00Z\n"
    rules = own(HEAD + dated + "effective_until = 2026-03-01T00:00:00+01:00\n")

    def cause(*day: int) -> str:
        return rules.classify(message="odd", at=datetime(*day, tzinfo=UTC)).name  # type: ignore[arg-type, misc]  # year, month, day

    assert cause(2026, 1, 31) == "unclassified"
    assert cause(2026, 2, 1) == cause(2026, 2, 28) == "odd"
    assert cause(2026, 3, 1) == rules.classify(message="odd").name == "unclassified"


def test_every_condition_of_a_rule_must_hold() -> None:
    text = RULE.replace(
        'pattern = "odd"',
        'pattern = "odd", codes = [5130], http_statuses = ["4xx", 500],'
        ' word_classes = ["failed"], integration_types = ["bankfeeds"],'
        ' platforms = ["Xero"]',
    )
    rules = own(HEAD + text)
    failure = {
        "message": "odd",
        "code": 5130,
        "http_status": 404,
        "word_class": "failed",
        "integration_type": "bankfeeds",
        "platform": "XERO",
    }

    assert rules.classify(**failure).name == "odd"  # type: ignore[arg-type]
    for name in failure:
        less = {**failure, name: None}
        assert rules.classify(**less).name != "odd", name  # type: ignore[arg-type]


def test_a_document_number_may_never_be_sent_again() -> None:
    text = RULE.replace("resend_changed", "look_in_books") + 'verdict = "NEVER"\n'

    assert own(HEAD + text).classify(message="odd").verdict is Verdict.NEVER


def test_examples_that_are_classed_otherwise_are_told() -> None:
    examples = (
        'matches = ["even", { code = 4260 }]\n'
        'matches_not = ["odd", { http_status = 400 }]\n'
    )
    bare = RULE.replace('name = "odd"', 'name = "bare"').replace('"odd" }', '"zzz" }')

    found = [
        (rule.name, why) for rule, why in own(HEAD + RULE + examples + bare).faults()
    ]

    assert found == [
        ("odd", "message 'even', word_class 'failed' is classed 'unclassified'"),
        ("odd", "code 4260 is classed 'subscription_lapsed'"),
        ("odd", "message 'odd', word_class 'failed' is classed by it"),
        ("bare", "it has no example that it matches"),
    ]
