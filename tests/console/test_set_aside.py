"""Setting evidence aside and giving requests up, by forms: signed, once, or refused."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from reconcile import CodatUnavailable, ConsoleApp, Reconciler, read_lines
from reconcile.codat.client.answers import Answer
from reconcile.codat.requests import Request, create_expenses
from reconcile.sandbox import Sandbox
from tests.builders import hook
from tests.console.browser import Browser, Seen
from tests.console.deciding import position_of
from tests.console.forms import form_in, sent
from tests.console.stores import HOSTILE, STORY, UNREAD, console_on, url_in
from tests.engines import url_at
from tests.live.office import COMPANY, Office, expense, office_with

REASON = "Somebody looked: it is Codat's example."
DIGEST = "0458f2b1dd2da0c75301fe9ccf7d714e70a7915bf1270c116bccf5e9a36ce337"  # of UNREAD
ONE = "11111111-1111-4111-8111-111111111111"
KEY = "99999999-9999-4999-8999-999999999999"
DOUBT = f"/requests/{COMPANY}/{KEY}"
EXAMPLE = hook(
    "expenses.sync.unsuccessful",
    ("e1", "PushError", "an example"),
    minutes=5,
    delivery="msg_1",
    sync="nobodys",
    company="nobody",
)


@pytest.fixture
def where(tmp_path: Path) -> str:
    url = url_in(tmp_path)
    with Reconciler.open(url) as books:
        books.ingest(read_lines([*STORY, UNREAD, EXAMPLE]))
    return url


@pytest.fixture
def browser(where: str) -> Iterator[Browser]:
    with console_on(where) as app:
        yield Browser(app)


# Evidence


@pytest.mark.parametrize("reason", ["", "short"])
def test_nothing_is_set_aside_without_a_reason(
    browser: Browser, where: str, reason: str
) -> None:
    before = position_of(where)
    form = form_in(browser.get(f"/quarantine/{DIGEST}").text, "/set-aside")

    answer = sent(browser, form, reason=reason)

    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="e-reason"' in answer.text
    assert form_in(answer.text, "/set-aside").all("reason") == [reason]
    assert position_of(where) == before


@pytest.mark.parametrize("digest", ["0" * 64, "x", "0" * 63])
def test_what_is_not_waiting_cannot_be_set_aside(browser: Browser, digest: str) -> None:
    token = form_in(browser.get(f"/quarantine/{DIGEST}").text, "/set-aside").all("csrf")

    look = browser.get(f"/quarantine/{digest}")
    answer = browser.post(
        f"/quarantine/{digest}/set-aside", {"csrf": token, "reason": REASON}
    )

    assert (look.status_code, answer.status_code) == (404, 404)


def test_who_may_only_read_sets_nothing_aside(where: str) -> None:
    before = position_of(where)
    with ConsoleApp(where) as app:
        browser = Browser(app)
        form = form_in(browser.get(f"/quarantine/{DIGEST}").text, "/set-aside")
        answer = sent(browser, form, reason=REASON)

    assert [off for _, _, off in form.buttons] == [True]
    assert answer.status_code == 403
    assert position_of(where) == before


def test_unread_bytes_are_set_aside_once_and_the_event_is_shown(
    browser: Browser, where: str
) -> None:
    links = Seen(browser.get("/quarantine").text).links
    assert any(link.startswith(f"/quarantine/{DIGEST}") for link in links)
    form = form_in(browser.get(f"/quarantine/{DIGEST}").text, "/set-aside")

    first = sent(browser, form, reason=REASON)
    before = position_of(where)
    second = sent(browser, form, reason=REASON)

    assert (first.status_code, second.status_code) == (303, 303)
    assert position_of(where) == before
    result = Seen(browser.get(first.headers["location"]).text)
    assert f"sha256:{DIGEST}"[:40] in result.text
    assert any("/events/" in link for link in result.links)
    again = browser.get(second.headers["location"]).text
    assert "Decided already" in Seen(again).text
    with Reconciler.open(where) as books:
        assert books.unprocessed() == 0


def test_what_a_webhook_said_is_set_aside_from_its_event(
    browser: Browser, where: str
) -> None:
    story = Seen(browser.get("/expenses/nobody/e1").text)
    events = [link for link in story.links if "/events/" in link]
    (aside, *_) = [
        link
        for event in events
        for link in Seen(browser.get(event).text).links
        if "/quarantine/" in link
    ]
    page = browser.get(aside).text
    assert "It said something of 1 expense" in Seen(page).text

    answer = sent(browser, form_in(page, "/set-aside"), reason=REASON)

    assert answer.status_code == 303
    with Reconciler.open(where) as books:
        assert books.item("e1", company_id="nobody") is None


def test_hostile_reasons_are_text(browser: Browser) -> None:
    form = form_in(browser.get(f"/quarantine/{DIGEST}").text, "/set-aside")

    answer = sent(browser, form, reason=HOSTILE)
    html = browser.get(answer.headers["location"]).text

    assert Seen(html).acting == []
    assert "<script>alert" not in html


# Requests in doubt


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_with(Sandbox(), tmp_path) as created:
        with pytest.raises(CodatUnavailable):
            attrs.evolve(created.dispatch, ask=lost).send(
                create_expenses(COMPANY, [expense(ONE)]), request_id=KEY
            )
        yield created


def lost(_: Request) -> Answer:
    raise CodatUnavailable("no answer")


@pytest.fixture
def desk(office: Office, tmp_path: Path) -> Iterator[Browser]:
    def opened() -> Reconciler:
        return Reconciler.open(
            url_at(tmp_path / "books.db"), now=lambda: office.sandbox.now
        )

    with ConsoleApp(opened, lambda _: "Dana", now=lambda: office.sandbox.now) as app:
        yield Browser(app)


def token_of(browser: Browser) -> str:
    office_form = form_in(browser.get(f"/expenses/{COMPANY}/{ONE}").text, "/new")
    return office_form.all("csrf")[0]


def test_a_request_that_may_be_under_way_is_not_given_up(
    desk: Browser, office: Office
) -> None:
    form = form_in(desk.get(DOUBT).text, "/abandon")
    assert [off for _, _, off in form.buttons] == [True]
    seen = {"seen": "1", "reason": REASON}

    answer = sent(desk, form, csrf=token_of(desk), **seen)

    assert answer.status_code == 409
    assert [*office.books.cases()] == []


@pytest.mark.parametrize(
    ("given", "status"),
    [({"reason": "no"}, 422), ({"seen": "99"}, 409), ({"csrf": "x"}, 403)],
)
def test_a_wrong_form_gives_nothing_up(
    desk: Browser, office: Office, given: dict[str, str], status: int
) -> None:
    office.wait(minutes=10)
    form = form_in(desk.get(DOUBT).text, "/abandon")

    answer = sent(desk, form, **{"reason": REASON, **given})

    assert answer.status_code == status
    assert [*office.books.cases()] == []


def test_a_request_in_doubt_is_listed_and_given_up_once_with_a_reason(
    desk: Browser, office: Office
) -> None:
    office.wait(minutes=10)
    listed = Seen(desk.get("/requests").text)
    assert "1 request in doubt" in listed.text
    assert DOUBT in listed.links
    (row,) = desk.get("/requests.json").json()["requests"]
    assert f"/requests/{row['company_id']}/{row['request_id']}" == DOUBT
    assert row["request_id"] in desk.get("/requests.csv").text
    form = form_in(desk.get(DOUBT).text, "/abandon")

    first = sent(desk, form, reason=REASON)
    second = sent(desk, form, reason=REASON)

    assert (first.status_code, second.status_code) == (303, 303)
    assert "again=yes" in second.headers["location"]
    (case,) = office.books.cases()
    assert (case.decision, case.actor, case.reason) == ("abandoned", "Dana", REASON)
    assert "Recorded: abandoned" in Seen(desk.get(first.headers["location"]).text).text
    assert "No request is in doubt" in Seen(desk.get("/requests").text).text
    assert desk.get(DOUBT).status_code == 404
