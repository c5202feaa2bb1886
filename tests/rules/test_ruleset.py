"""The ruleset: classes of failures, fingerprints, and what is no ruleset."""

import pytest

from reconcile.errors import UsageError
from reconcile.rules import BUILT_IN, load

GUID = "0331d9b9-a1cd-4d46-84d3-5a17dc6ad43e"
TAKEN = (
    "Conflict error pushing to Xero: the bank feed is already connected to another "
    "Xero Bank Account (correlation id: {}) {} amount {}"
)
UNKNOWN = """
[unknown]
owner = "operations"
verdict = "FIX_FIRST"
advice = "Read it."
"""


@pytest.mark.parametrize(
    ("message", "word", "code", "name", "verdict"),
    [
        (
            "One or more transactions have previously been processed: x",
            "PushError",
            5080,
            "sibling_processed",
            "RESEND",
        ),
        (TAKEN, "PushError", 5130, "bank_feed_taken", "FIX_FIRST"),
        ("Wrong lines.", "ValidationError", 5130, "validation", "FIX_FIRST"),
        (None, None, 4000, "configuration", "FIX_FIRST"),
        (None, None, 4040, "company_disconnected", "FIX_FIRST"),
        (None, None, 4220, "company_disconnected", "FIX_FIRST"),
        (None, None, 4260, "billing_expired", "FIX_FIRST"),
        (None, None, 5000, "codat_error", "RESEND"),
        (None, None, 5080, "duplicate_protection", "FIX_FIRST"),
        (None, None, 5120, "data_processing", "FIX_FIRST"),
        (None, "PushError", 5130, "push_error", "FIX_FIRST"),
        ("Odd.", "PushError", None, "unknown", "FIX_FIRST"),
        (None, None, 7777, "unknown", "FIX_FIRST"),
        (None, None, "Odd", "unknown", "FIX_FIRST"),
        ("They have previously been processed:", None, None, "unknown", "FIX_FIRST"),
    ],
)
def test_every_built_in_rule_classes_its_failures(
    message: str | None,
    word: str | None,
    code: int | str | None,
    name: str,
    verdict: str,
) -> None:
    rule = BUILT_IN.classify(message=message, word=word, code=code)

    assert (rule.name, rule.verdict) == (name, verdict)


def test_every_rule_says_who_can_mend_it_and_how() -> None:
    for rule in (*BUILT_IN.rules, BUILT_IN.unknown):
        assert rule.owner in {"codat", "customer", "operations", "sender"}
        assert rule.advice.endswith(".")


def test_a_ruleset_has_a_name_and_a_version() -> None:
    assert BUILT_IN.label == "codat@1"


def test_the_first_rule_of_which_everything_holds_decides() -> None:
    rules = load(
        'name = "own"\nversion = 3\n'
        + UNKNOWN
        + """
        [[rule]]
        name = "narrow"
        owner = "sender"
        verdict = "NEVER"
        advice = "Leave it."
        message = "odd"
        words = ["PushError"]
        codes = [5130]

        [[rule]]
        name = "wide"
        owner = "sender"
        verdict = "WAIT"
        advice = "Wait."
        codes = [5130]
        """
    )

    result = [
        rules.classify(message="An ODD one", word="PushError", code=5130).name,
        rules.classify(message="An odd one", word="ValidationError", code=5130).name,
        rules.classify(message=None, word="PushError", code=5130).name,
        rules.classify(message="An odd one", word="PushError", code=5120).name,
    ]

    assert result == ["narrow", "wide", "wide", "unknown"]
    assert rules.label == "own@3"


def test_a_ruleset_may_know_nothing() -> None:
    rules = load('name = "none"\nversion = 1\n' + UNKNOWN)

    assert rules.classify(message="x", word="y", code=1).name == "unknown"


def fingerprint(
    message: str, code: int | str | None = 5130, http: int | None = None
) -> str:
    return BUILT_IN.fingerprint(message=message, code=code, http_status=http)


@pytest.mark.parametrize(
    "message",
    [
        TAKEN.format("abc", GUID, "12.50"),
        TAKEN.format("x/9", GUID.upper().replace("-", ""), "-3,05").upper(),
        TAKEN.format("x/9", "", "12.5") + "\n",
    ],
)
def test_what_differs_between_failures_of_one_cause_is_left_out(message: str) -> None:
    assert fingerprint(message) == fingerprint(TAKEN.format("one", GUID, "1.00"))


def test_codes_and_other_words_stay_in() -> None:
    result = {
        fingerprint("No."),
        fingerprint("No, no."),
        fingerprint("No.", code=5120),
        fingerprint("No.", code="5130x"),
        fingerprint("No.", code=None),
        fingerprint("No.", http=400),
        fingerprint("No.", http=422),
    }

    assert len(result) == 7


def test_a_fingerprint_names_its_algorithm() -> None:
    assert fingerprint("No.").startswith("fp1:")
    assert len(fingerprint("No.")) == len("fp1:") + 16


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name = ", "not TOML"),
        ("", "'name'"),
        ('name = "x"', "'version'"),
        ('name = "x"\nversion = 1', "'unknown'"),
        ('name = "x"\nversion = 1\nunknown = 7', "TypeError"),
        ('name = "x"\nversion = 1\nrule = [7]\n' + UNKNOWN, "AttributeError"),
        ('name = "x"\nversion = 1\n' + UNKNOWN.replace("FIX", "MIX"), "MIX_FIRST"),
        ('name = "x"\nversion = 1\n' + UNKNOWN + 'message = "("', "unterminated"),
        ('name = "x"\nversion = 1\n' + UNKNOWN + "codes = 7", "TypeError"),
    ],
)
def test_what_is_no_ruleset_says_why(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        load(text)
