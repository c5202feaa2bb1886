"""A policy of retries: read from TOML whole or not at all, and named by its digest."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconcile import (
    Owner,
    Reconciler,
    RetryPolicy,
    RetryWait,
    UsageError,
    load_policy,
)
from reconcile.retries.policy import DEFAULT_POLICY
from reconcile.retries.policy_file import policy_of
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


TEXT = """
name = "ours"
attempts = { per_content = 3, per_cause_and_day = 20 }
batch = { size = 10 }
quota = { share = 0.25 }

[[quiet]]
begins = "22:00"
until = "06:00"

[owner.nobody]
first_min = 5

[cause.outage]
first_min = 30
longest_min = 90
tries_max = 2
"""


def test_a_policy_says_what_it_says_and_the_rest_is_the_default() -> None:
    policy = load_policy(TEXT)

    assert (policy.per_content, policy.per_cause_and_day, policy.batch_size) == (
        *(3, 20),
        10,
    )
    assert policy.wait("outage", Owner.ACCOUNTING_SOFTWARE) == RetryWait(
        first=timedelta(minutes=30), longest=timedelta(minutes=90), tries_max=2
    )
    assert policy.wait("too_many_calls", Owner.NOBODY).first == timedelta(minutes=5)
    assert policy.wait("codat_error", Owner.CODAT) == DEFAULT_POLICY.owners[Owner.CODAT]
    assert policy_of(policy.data) == policy
    assert policy.label.startswith("ours@")


def test_a_label_changes_with_what_a_policy_says_and_with_nothing_else() -> None:
    policy = load_policy(TEXT)

    assert load_policy(TEXT + "\n# a comment\n").label == policy.label
    assert load_policy(TEXT.replace("0.25", "0.26")).label != policy.label
    assert RetryPolicy().label == DEFAULT_POLICY.label


def test_a_wait_doubles_up_to_the_longest() -> None:
    wait = RetryWait()

    minutes = [wait.after(tries) / timedelta(minutes=1) for tries in range(8)]

    assert minutes == [15, 15, 30, 60, 120, 240, 360, 360]
    assert wait.after(10**6) == timedelta(hours=6)


def test_quiet_hours_go_on_over_midnight_and_by_the_clock_of_their_zone() -> None:
    policy = load_policy(TEXT)
    london = load_policy(
        'name = "l"\n[[quiet]]\nbegins = "08:00"\nuntil = "18:00"\n'
        'zone = "Europe/London"\n'
    )

    def at(hour: int, day: int = 1, month: int = 1) -> datetime:
        return datetime(2026, month, day, hour, tzinfo=UTC)

    assert policy.awake(at(23)) == at(6, 2)
    assert policy.awake(at(5)) == policy.awake(at(6)) == at(6)
    assert policy.awake(at(12)) == at(12)
    assert london.awake(at(7, month=7)) == at(17, month=7)
    assert london.awake(at(7)) == at(7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name", "p.toml is not TOML"),
        ("", "p.toml: object missing required field `name`"),
        ('name = " "', "p.toml: name is blank, expected a name"),
        ('name = "a"\nattempts = { per_content = -1 }', "expected a number from 1"),
        ('name = "a"\nattempts = { per_content = 0 }', "per_content is 0"),
        ('name = "a"\nattempts = { per_hour = 1 }', "unknown field `per_hour`"),
        ('name = "a"\nbatch = { size = 51 }', "batch.size is 51, expected a number"),
        ('name = "a"\nquota = { share = 1.5 }', "quota.share is 1.5, expected"),
        ('name = "a"\nquota = { share = nan }', "quota.share is nan, expected"),
        ('name = "a"\n[owner.bank]\ntries_max = 1', "owner.bank is not an owner"),
        ('name = "a"\n[cause.gremlins]\n', "cause.gremlins is not a cause"),
        ('name = "a"\n[owner.us]\nfirst_min = -1', "owner.us.first_min is -1"),
        ('name = "a"\n[owner.us]\nfactor = 0.5', "owner.us.factor is 0.5"),
        ('name = "a"\n[owner.us]\ntries_max = 0', "owner.us.tries_max is 0"),
        (
            'name = "a"\n[[quiet]]\nbegins = "9"\nuntil = "10:00"',
            "quiet[0].begins is '9', expected hours and minutes",
        ),
        (
            'name = "a"\n[[quiet]]\nbegins = "09:00"\nuntil = "09:00"',
            "quiet[0]: the quiet hours are the whole day",
        ),
        (
            'name = "a"\n[[quiet]]\nbegins = "09:00"\nuntil = "10:00"\nzone = "Mars"',
            "quiet[0]: zone 'Mars' is not known",
        ),
        (
            'name = "a"\n[[quiet]]\nbegins = "09:00"\nuntil = "21:00"\n'
            '[[quiet]]\nbegins = "20:00"\nuntil = "10:00"',
            "the quiet hours never end",
        ),
    ],
)
def test_what_is_no_policy_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_policy(text, where="p.toml")

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": " "}, "the name of a policy is blank"),
        ({"per_content": -1}, "per_content is -1, expected 1 to 1000000"),
        ({"per_cause_and_day": 0}, "per_cause_and_day is 0"),
        ({"batch_size": 51}, "batch_size is 51, expected 1 to 50"),
        ({"quota_share": 0}, "quota_share is 0"),
        ({"owners": {"bank": RetryWait()}}, "'bank' is not an owner"),
    ],
)
def test_a_policy_of_a_program_is_checked_as_one_of_a_file(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as refused:
        RetryPolicy(**fields)

    assert words in str(refused.value)


def test_a_policy_for_a_cause_that_no_rule_knows_makes_no_plan(tmp_path: Path) -> None:
    policy = RetryPolicy(causes={"gremlins": RetryWait()})

    with (
        Reconciler.open(url_at(tmp_path / "books.db")) as books,
        pytest.raises(UsageError, match="'gremlins', which is not a cause"),
    ):
        books.plan(policy)
