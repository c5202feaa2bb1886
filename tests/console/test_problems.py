"""What goes wrong is one page with one sentence, and nothing of its insides."""

import logging
from pathlib import Path

import pytest

from reconcile import ConsoleApp, ReconcileError, Reconciler
from tests.builders import COMPANY
from tests.console.browser import Browser, Seen
from tests.console.deciding import decision_form
from tests.console.forms import sent
from tests.console.stores import STORY, console_on, store_with, url_in

EXPENSE = f"/expenses/{COMPANY}/t1"


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(console_on(store_with(tmp_path, STORY)))


@pytest.mark.parametrize(
    ("path", "status", "phrase"),
    [
        ("/nothing", 404, "has no page at this address"),
        ("/health/", 404, "has no page at this address"),
        (
            f"/expenses/{COMPANY}/t9",
            404,
            "No expense has this id. Nothing was recorded",
        ),
        ("/expenses/other/t1", 404, "an expense of Harrow & Finch Ltd has it"),
        ("/expenses/other/~%21", 404, "has no page at this address"),
        ("/expenses/other/a%00b", 404, "has no page at this address"),
        ("/events/99", 404, "No event has this number; the last of the history is 5"),
        ("/events/0", 404, "No event has this number"),
        ("/events/-1", 404, "No event has this number"),
        ("/events/%D9%A1", 404, "No event has this number"),
        (f"/events/{'9' * 300}", 404, "No event has this number"),
        ("/evidence/abc", 404, "No bytes of this digest are stored"),
        (f"/evidence/sha256:{'0' * 64}", 404, "No bytes of this digest are stored"),
        ("/static/0000/console.css", 404, "has no page at this address"),
        ("/static/0000/..%2Fapp.py", 404, "has no page at this address"),
        ("/health?colour=red", 400, "The filter 'colour' is not known here"),
        ("/health?as_of=soon", 400, "The moment 'soon' of as_of is not valid"),
        ("/health?as_of=2199-01-01", 400, "is in the future"),
        ("/health?known_at=2199-01-01T00:00Z", 400, "is in the future"),
        ("/health?as_of=2199-01-01", 400, "a date is the end of its day in UTC"),
        ("/?as_of=0001-01-01", 400, "is before 1970"),
        ("/expenses?after=x", 400, "The place in the list is damaged"),
        ("/syncs?after=x", 400, "The place in the list is damaged"),
        ("/health?month=2026-13", 400, "'2026-13' of month is not valid"),
        ("/health?as_of=2026-01-01&as_of=2026-01-02", 400, "given 2 times"),
        ("/health?customer=a%00b", 400, "has a control character"),
        (f"/health?customer={'x' * 1001}", 400, "has 1,001 characters"),
        ("/health?" + "customer=x&" * 201, 400, "too many filters"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    browser: Browser, path: str, status: int, phrase: str
) -> None:
    answer = browser.get(path)

    assert answer.status_code == status
    assert phrase in Seen(answer.text).text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
def test_a_method_that_no_page_has_is_answered_405(
    browser: Browser, method: str
) -> None:
    answer = browser.ask(method, "/health")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_form_to_a_page_that_only_reads_is_answered_405(browser: Browser) -> None:
    answer = browser.post("/health", {"a": "b"})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_what_is_wrong_with_a_form_is_not_said_of_an_address(browser: Browser) -> None:
    address = browser.get("/health?colour=red")
    form = browser.ask("POST", "/decisions", content=b"{}")

    assert (address.status_code, form.status_code) == (400, 400)
    assert "This address cannot be read" in Seen(address.text).text
    assert "This form cannot be used" in Seen(form.text).text


def test_head_has_the_headers_of_get_and_no_body(browser: Browser) -> None:
    read, asked = browser.get(EXPENSE), browser.ask("HEAD", EXPENSE)

    assert asked.status_code == read.status_code == 200
    assert asked.headers["content-type"] == read.headers["content-type"]
    assert asked.content == b""


def test_a_store_that_is_not_there_is_answered_503_and_the_console_recovers(
    tmp_path: Path,
) -> None:
    browser = Browser(console_on(url_in(tmp_path)))
    before = browser.get("/health")
    store_with(tmp_path, STORY)

    after = browser.get("/health")

    assert before.status_code == 503
    assert "no figure is shown" in Seen(before.text).text
    assert str(tmp_path) not in before.text
    assert after.status_code == 200


@pytest.mark.parametrize("path", ["/health", EXPENSE, "/quarantine", "/events/1"])
def test_a_store_that_disappears_while_it_is_served_is_answered_503(
    tmp_path: Path, path: str
) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))
    assert browser.get(path).status_code == 200
    for file in tmp_path.glob("books.db*"):
        file.unlink()

    answer = browser.get(path)

    assert answer.status_code == 503
    figures = [letter for letter in Seen(answer.text).text if letter.isdigit()]
    assert "".join(figures) == "503"


def test_a_form_to_a_store_that_has_disappeared_may_be_sent_again(
    tmp_path: Path,
) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))
    form = decision_form(browser)
    for file in tmp_path.glob("books.db*"):
        file.unlink()

    answer = sent(browser, form)

    assert answer.status_code == 503
    assert "is not recorded twice" in Seen(answer.text).text


def test_a_fault_of_ours_is_logged_and_the_reader_is_told_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def opener() -> Reconciler:
        raise ZeroDivisionError("the inside of it")

    with caplog.at_level(logging.ERROR, "reconcile.console"):
        answer = Browser(ConsoleApp(opener)).get("/health")

    assert answer.status_code == 500
    assert "inside of it" not in answer.text
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_zone_that_is_not_known_is_refused_when_the_console_is_set_up() -> None:
    with pytest.raises(ReconcileError, match="is not a known zone"):
        ConsoleApp("sqlite:///books.db", zone="Mars/Base")
