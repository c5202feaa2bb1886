"""The built-in ruleset: what it covers, whose move it names, and its own examples."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from reconcile.domain.vocabulary import Action, Owner
from reconcile.rules import BUILT_IN

TAKEN = (
    "An error occurred in a downstream service. Correlation ID: {}. Message:  Feed"
    " Connection failed(409): The AccountToken, AccountId or AccountNumber is already"
    " connected to another Xero Bank Account in the selected Xero Organisation."
)


def test_it_classes_its_own_examples() -> None:
    assert [f"{rule.name}: {why}" for rule, why in BUILT_IN.faults()] == []


def test_it_has_a_name_and_a_version() -> None:
    assert BUILT_IN.label == "codat@2"


def test_every_rule_says_all_that_a_person_needs() -> None:
    for rule in (*BUILT_IN.rules, BUILT_IN.unclassified):
        assert rule.title[0].isupper(), rule.name
        assert not rule.title.endswith("."), rule.name
        assert all(step.endswith(".") for step in rule.steps), rule.name
        assert rule.means.endswith("."), rule.name
        assert rule.customer is None or rule.customer.endswith("."), rule.name
        if rule.owner is Owner.CUSTOMER:
            assert rule.customer, rule.name
        if rule.action is Action.RESEND:
            assert rule.backoff, rule.name
        if rule is not BUILT_IN.unclassified:
            assert rule.matches_not, rule.name


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (4000, "configuration_incomplete"),
        (4040, "connection_ended"),
        (4220, "connection_ended"),
        (4260, "subscription_lapsed"),
        (5000, "codat_error"),
        (5080, "duplicate_protection"),
        (5120, "data_not_processed"),
        (5130, "write_refused"),
        (7777, "unclassified"),
    ],
)
def test_every_code_of_codats_that_fails_has_its_cause(code: int, cause: str) -> None:
    assert BUILT_IN.classify(code=code).name == cause
    assert BUILT_IN.classify(code=code, word_class="failed").name == cause


@pytest.mark.parametrize("status", range(400, 500))
def test_every_refusal_has_its_cause(status: int) -> None:
    assert BUILT_IN.classify(http_status=status).name != "unclassified"
    assert BUILT_IN.classify(message="x", http_status=status).name != "unclassified"


def test_a_failure_with_words_of_its_own_is_classed_by_them() -> None:
    locked = "The document date cannot be before the end of year lock date"

    for code in (None, 5000, 5130, 4260):
        found = BUILT_IN.classify(message=locked, code=code, word_class="failed")
        assert found.name == "period_locked"


def test_the_code_of_a_sync_goes_before_its_words_where_it_names_a_cause() -> None:
    assert (
        BUILT_IN.classify(message="Unauthorized", code=4260).name != "connection_ended"
    )
    assert BUILT_IN.classify(message=TAKEN, code=5130).name.startswith("bank_feed")
    assert BUILT_IN.classify(message="Odd", code=5130).name == "write_refused"


def test_our_key_is_not_the_customers_connection() -> None:
    ours = BUILT_IN.classify(message="Unauthorized", http_status=401)
    theirs = BUILT_IN.classify(
        message="Unauthorized (401): TokenExpired", word_class="failed"
    )

    assert (ours.owner, theirs.owner) == ("us", "customer")


def test_backoff_doubles_to_its_longest_and_is_spent() -> None:
    nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    outage = BUILT_IN.classify(message="Service unavailable (503)")
    waits = [outage.not_before(nine, tries) for tries in (0, 1, 2, 3, 6, 99)]

    assert [(wait - nine) / timedelta(minutes=1) for wait in waits if wait] == [
        15,
        15,
        30,
        60,
        360,
        360,
    ]
    assert [outage.spent(tries) for tries in (7, 8)] == [False, True]
    assert BUILT_IN.classify(code=4260).not_before(nine, 1) is None


def test_limits_end_by_the_calendar() -> None:
    def turn(message: str, *day: int) -> datetime | None:
        moment = datetime(*day, 9, tzinfo=UTC)  # type: ignore[arg-type, misc]  # a day
        return BUILT_IN.classify(message=message).not_before(moment, 3)

    daily, monthly = "The daily API limit was exceeded", "the plan's monthly limit"

    assert turn(daily, 2026, 2, 28) == datetime(2026, 3, 1, tzinfo=UTC)
    assert turn(monthly, 2026, 12, 31) == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "part",
    ["account ", "tax ", "period ", "closed period ", "currency ", "limit ", "a"],
)
def test_a_message_of_a_megabyte_is_classed_in_milliseconds(part: str) -> None:
    started = time.process_time()
    BUILT_IN.classify(message=(part * 1_000_000)[:1_000_000], word_class="failed")

    assert time.process_time() - started < 0.5
