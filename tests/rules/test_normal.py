"""The normal form of a message, and fingerprints: what meets, and what must not."""

import time

import pytest

from reconcile.rules import fingerprint_1
from reconcile.rules.normal import WINDOW, fingerprint, normal

GUID = "0e7ee4bc-50d2-4e07-8f9e-25fdda6bc004"
ENVELOPE = "An error occurred in a downstream service. Correlation ID: {}. Message:  {}"


def mark(message: str | None, code: int | None = None, http: int | None = None) -> str:
    return fingerprint(message, code=code, http_status=http)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Account code '310' is archived", "Account code '200' is archived"),
        ("Account code 404 is archived", "Account code 500 is archived"),
        ("Account code 310 is archived", 'Account code "Travel" is archived'),
        ("Before the lock date 2025-12-31", "Before the lock date 2026-02-28"),
        ("Before the lock date 31/12/2025", "Before the lock date 28.02.2026"),
        ("Before the lock date 31 December 2025", "Before the lock date Feb 1, 2026"),
        ("Before the lock date 2025-12-31T00:00:00Z", "Before the lock date 1-Feb-26"),
        ("Invoice INV-0042 exists", "Invoice INV-1001/A exists"),
        ("Document number 12345 is used", "Document number 99 is used"),
        ("Amount 1,200.50 is too high", "Amount 90.5 is too high"),
        ("Amount -1.200,50 is too high", "Amount £12 is too high"),
        (ENVELOPE.format(GUID, "Odd."), ENVELOPE.format("0e7ee4bc50d24e078f9e", "Odd")),
        (ENVELOPE.format(GUID, "Odd."), "odd"),
        ("Odd (correlation id: abc-1)", "Odd (CorrelationId=xyz)"),
        (f"No supplier {GUID}", f"No supplier {GUID.upper().replace('-', '')}"),
        ("previously been processed: a, b", "previously been processed: expense-c"),
        ("Odd   thing\n", "odd thing"),
    ],
)
def test_what_differs_between_two_failures_of_one_cause_is_left_out(
    first: str, second: str
) -> None:
    assert mark(first) == mark(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Request failed (404)", "Request failed (500)"),
        ("Feed Connection failed(404)", "Feed Connection failed(409)"),
        ("HTTP 404", "HTTP 500"),
        ("Status code: 404", "Status code: 500"),
        ("It answered 404 Not Found", "It answered 500 Internal Server Error"),
        ("The period is locked", "The period is archived"),
        ("You don't have rights", "You don't have the contact's rights"),
        ("Line 3 is odd", "Line 4 is odd"),
        ("previously been processed: a", "They have previously been processed:"),
        ("Odd", ""),
    ],
)
def test_what_tells_two_causes_apart_stays(first: str, second: str) -> None:
    assert mark(first) != mark(second)


def test_the_syncs_code_counts_only_where_there_is_no_message() -> None:
    assert mark("Odd.", code=5130) == mark("Odd.", code=5120) == mark("Odd.")
    assert mark(None, code=5130) != mark(None, code=5120)
    assert mark("Odd.", http=400) != mark("Odd.", http=422)


def test_a_fingerprint_names_its_algorithm() -> None:
    assert mark("No.").startswith("fp2:")
    assert len(mark("No.")) == len("fp2:") + 16


def test_the_first_fingerprint_stays_what_it_was() -> None:
    taken = "Bank feed taken (correlation id: {}) amount {}"

    result = fingerprint_1(taken.format(GUID, "1.00"), code=5130, http_status=None)
    again = fingerprint_1(taken.format("x/9)", "-3,05"), code=5130, http_status=None)
    coded = fingerprint_1(taken.format(GUID, "1.00"), code=5120, http_status=None)

    assert result == "fp1:d967880e9256c136"
    assert again == result != coded


def test_envelopes_of_any_kind_are_left_out() -> None:
    assert normal(ENVELOPE.format(GUID, "Odd thing.")) == "odd thing"
    assert normal(ENVELOPE.format("", "Odd thing.")) == "odd thing"
    assert normal("An error occurred in a downstream service. Odd.") == "odd"


@pytest.mark.parametrize(
    "part",
    ["1", "١", "a", "'", '"', "-", "a1", "1,", "(", "1 ", "http ", "{", "é", "Ω"],
)
def test_a_message_of_a_megabyte_costs_milliseconds(part: str) -> None:
    message = (part * 1_000_000)[:1_000_000]

    started = time.process_time()
    mark(message)

    assert time.process_time() - started < 0.5  # a quadratic one takes minutes


def test_what_stands_after_the_window_says_nothing_more() -> None:
    long = "Odd. " * WINDOW

    assert mark(long) == mark(long + "More.")


@pytest.mark.parametrize("digit", ["1", "١", "𝟏", "a", "-", "1.", "١,", "'", "{", "("])
def test_a_message_of_a_megabyte_is_done_at_once(digit: str) -> None:
    message = (digit * 2**20)[: 2**20]
    begun = time.process_time()

    for make in (fingerprint, fingerprint_1):
        make(message, code=None, http_status=None)

    assert time.process_time() - begun < 20  # quadratic: hours
