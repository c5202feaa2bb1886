"""Plans by form: frozen, run once by who may, followed, stopped; nothing by a look."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from reconcile import CodatUnavailable, Plan, create_expenses
from reconcile.retries.run import lease_of
from tests.console.browser import Browser, Seen
from tests.console.forms import Form, form_in, forms_in, sent
from tests.console.linked import Figures
from tests.console.retry_place import Place, frozen, place_at
from tests.console.stores import HOSTILE
from tests.retries.desk import COMPANY, expense, id_of, retry_office

LATER = "ffffffff-0000-4000-8000-000000000001"
REASON = "The period is open again, ticket 4411."


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Give an office with six expenses that may be sent again, and two that may not."""
    with place_at(tmp_path) as found:
        yield found


def send_form(html: str) -> Form:
    return form_in(html, "/run")


def ended(browser: Browser, path: str, *, place: Place) -> str:
    """Return a run's page once it is over; time passes for Codat meanwhile."""
    give_up_at = time.monotonic() + 30
    while True:
        answer = browser.get(path)
        if "refresh" not in answer.headers:
            return answer.text
        assert time.monotonic() < give_up_at, Seen(answer.text).text
        place.desk.office.wait(minutes=20)
        time.sleep(0.2)


# What is refused


def test_who_may_only_read_freezes_nothing(place: Place) -> None:
    with place.console(None) as app:
        browser = Browser(app)
        form = form_in(browser.get("/retries").text, "/retries/plan")

        answer = sent(browser, form)

    assert [off for _, _, off in form.buttons] == [True]
    assert answer.status_code == 403


@pytest.mark.parametrize("may_run", [None, lambda _: False])
def test_who_may_not_run_plans_sees_why_and_a_form_of_theirs_sends_nothing(
    place: Place, may_run: Callable[[str], bool] | None
) -> None:
    with place.console(may_run=may_run) as app:
        browser = Browser(app)
        where, html = frozen(browser)
        before = place.position()

        form = send_form(html)
        answer = browser.post(
            f"{where}/run", {"csrf": token_of(browser), "reason": REASON}
        )

    assert [off for _, _, off in form.buttons] == [True]
    assert "Sending needs the right to run plans" in Seen(html).text
    assert answer.status_code == 403
    assert (place.position(), place.desk.calls()) == (before, 1)


def token_of(browser: Browser) -> str:
    return form_in(browser.get("/retries").text, "/retries/plan").all("csrf")[0]


def test_without_a_client_the_page_shows_the_command_that_runs_the_plan(
    place: Place,
) -> None:
    with place.console(sends=False) as app:
        browser = Browser(app)
        where, html = frozen(browser)
        answer = browser.post(
            f"{where}/run", {"csrf": token_of(browser), "reason": REASON}
        )

    assert "reconcile retries run plan-" in Seen(html).text
    assert answer.status_code == 403


def test_a_plan_is_not_run_without_a_reason_and_says_so_at_its_field(
    place: Place,
) -> None:
    with place.console() as app:
        browser = Browser(app)
        _, html = frozen(browser)
        before = place.position()

        answer = sent(browser, send_form(html), reason="short")

    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="e-reason"' in answer.text
    assert send_form(answer.text).all("reason") == ["short"]
    assert place.position() == before


@pytest.mark.parametrize(
    "path", ["/retries/" + "0" * 64, "/retries/plan", "/retries/runs/" + "0" * 64]
)
def test_a_plan_or_a_run_that_nobody_knows_is_not_found(
    place: Place, path: str
) -> None:
    with place.console() as app:
        assert Browser(app).get(path).status_code == 404


def test_what_is_not_under_way_cannot_be_stopped(place: Place) -> None:
    with place.console() as app:
        browser = Browser(app)
        fields = {"csrf": token_of(browser)}
        answer = browser.post(f"/retries/runs/{'0' * 64}/stop", fields)

    assert answer.status_code == 409


# What is shown


def test_lines_and_what_is_left_out_add_up_to_breaks_and_open(place: Place) -> None:
    desk = place.desk
    desk.lock()
    desk.create(range(6, 9))
    desk.settle()
    desk.office.books.decide(
        "waive", company_id=COMPANY, transactions=[id_of(8)], actor="ann", reason="no"
    )
    desk.create(range(9, 11))  # under way

    with place.console() as app:
        text = Seen(Browser(app).get("/retries").text).text

    not_booked = sum(state in ("break", "open") for state in desk.states().values())
    assert f"Of the {not_booked} that are not in the books" in text
    assert "Nothing may be sent again just now" in text
    assert "The first may go from 6 Jan 2026, 13:40 UTC on." in text
    assert f"Left out: {not_booked}" in text


def test_a_look_sends_and_stores_nothing_and_a_plan_has_its_lines_by_call(
    place: Place,
) -> None:
    before = place.position()
    with place.console() as app:
        browser = Browser(app)
        _, html = frozen(browser)
        text = Seen(html).text

    assert "6 expenses may be sent again" in text
    assert "after the one that is tried first" in text
    assert (place.position(), place.desk.calls()) == (before, 1)


def test_the_file_of_a_frozen_plan_is_the_plan(place: Place) -> None:
    with place.console() as app:
        browser = Browser(app)
        where, html = frozen(browser)
        (link,) = [li for li in Seen(html).links if li.endswith("plan.json")]
        answer = browser.get(link)

    plan = Plan.from_json(answer.content)
    assert plan.digest == f"sha256:{where.rpartition('/')[2]}"
    assert json.loads(answer.content)["schema"] == "reconcile.plan/1"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")


def test_a_past_moment_has_no_forms(place: Place) -> None:
    moment = place.desk.sandbox.now.strftime("%Y-%m-%dT%H:%M")
    with place.console() as app:
        browser = Browser(app)
        where, _ = frozen(browser)
        for path in (f"/retries?as_of={moment}", f"{where}?as_of={moment}"):
            give_up_at = time.monotonic() + 20
            while (answer := browser.get(path)).status_code == 202:
                assert time.monotonic() < give_up_at
            assert answer.status_code == 200
            assert forms_in(answer.text) == [] or all(
                not form.buttons for form in forms_in(answer.text)
            )


# What is run


def test_a_plan_that_is_run_brings_all_into_the_books_once(place: Place) -> None:
    with place.console() as app:
        browser = Browser(app)
        _, html = frozen(browser)
        answer = sent(browser, send_form(html), reason=REASON)
        page = ended(browser, answer.headers["location"], place=place)
        again = sent(browser, send_form(html), reason=REASON)
        links = [
            f.href + words for f in Figures(page) for words in ("", "&state=break")
        ]
        rows = browser.get(next(li for li in Seen(page).links if ".json" in li)).json()
        answers = [browser.get(link.replace("?", ".json?")) for link in links]

    text = Seen(page).text
    assert [each.json()["items"] for each in answers] == [6, 0, 6, 0]
    assert [row["outcome"] for row in rows["run"]] == ["cleared"] * 6
    assert re.search("The plan was run .* 6 are in the books", text)
    assert place.desk.booked() == {id_of(number): 1 for number in range(6)}
    assert (answer.status_code, again.status_code) == (303, 409)
    assert place.desk.office.books.retries()[0].actor == "Dana Whitfield"
    notes = [case for case in place.desk.office.books.cases() if case.actor != "ann"]
    assert [case.reason for case in notes] == [f"Sent again: {REASON}"] * 6


def test_one_whose_facts_changed_is_left_out_alone_and_named(place: Place) -> None:
    with place.console() as app:
        browser = Browser(app)
        _, html = frozen(browser)
        place.desk.office.books.decide(
            "booked",
            company_id=COMPANY,
            transactions=[id_of(4)],
            actor="ann",
            reason="by hand",
        )
        answer = sent(browser, send_form(html), reason=REASON)
        page = ended(browser, answer.headers["location"], place=place)

    text = Seen(page).text
    assert "1 expense was left out" in text
    assert "a person ended it" in text
    assert any(id_of(4) in link for link in Seen(page).links)
    assert place.desk.booked() == {id_of(n): 1 for n in range(6) if n != 4}


def test_a_mend_that_was_none_costs_one_call_and_is_to_be_mended_again(
    place: Place,
) -> None:
    place.desk.lock()
    with place.console() as app:
        browser = Browser(app)
        _, html = frozen(browser)
        answer = sent(browser, send_form(html), reason=REASON)
        text = Seen(ended(browser, answer.headers["location"], place=place)).text
        after = Seen(browser.get("/retries").text).text

    assert "1 refused" in text
    assert place.desk.booked() == {}
    assert "Nothing may be sent again just now" in after
    assert "Mark the cause as mended" in after


def test_a_plan_that_another_worker_runs_waits_and_says_so(place: Place) -> None:
    with place.console() as app:
        browser = Browser(app)
        where, html = frozen(browser)
        lease = lease_of(
            place.desk.dispatch, f"sha256:{where.rpartition('/')[2]}", COMPANY
        )
        assert lease.take()
        run = sent(browser, send_form(html), reason=REASON).headers["location"]
        give_up_at = time.monotonic() + 20
        while "another worker runs the plan" not in Seen(browser.get(run).text).text:
            assert time.monotonic() < give_up_at
        twice = sent(browser, send_form(html), reason=REASON)
        calls = place.desk.calls()
        stop = sent(browser, form_in(browser.get(run).text, "/stop"))
        text = Seen(ended(browser, run, place=place)).text

    assert (calls, twice.status_code, stop.status_code) == (1, 409, 303)
    assert "stopped by Dana Whitfield" in text


def test_a_run_that_is_stopped_makes_no_further_call(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        desk.line.unplugged = True
        for numbers in (range(30), range(30, 60)):  # two calls' worth, never sent
            with pytest.raises(CodatUnavailable):
                desk.create(numbers)
        with pytest.raises(CodatUnavailable):  # the run never comes to this customer
            desk.send(create_expenses(LATER, [expense(id_of(60))]))
        desk.line.unplugged = False
        desk.settle()
        place = Place(desk, tmp_path)
        begun, go = threading.Event(), threading.Event()

        def slow(request: httpx.Request) -> None:
            if request.method == "POST":
                begun.set()
                go.wait(20)

        desk.line.instead = slow
        with place.console() as app:
            browser = Browser(app)
            _, html = frozen(browser)
            token = token_of(browser)
            answer = sent(browser, send_form(html), reason=REASON)
            run = answer.headers["location"]
            assert begun.wait(20)
            assert "refresh" not in browser.get(f"{run}?still=yes").headers
            stop = sent(browser, form_in(browser.get(run).text, "/stop"))
            twice = browser.post(f"{run}/stop", {"csrf": token})
            go.set()
            text = Seen(ended(browser, run, place=place)).text

        assert "none is left out" in Seen(html).text
        assert (stop.status_code, twice.status_code) == (303, 303)
        assert re.search("11 not sent.* stopped by Dana Whitfield", text)
        assert desk.line.writes == 1
        assert "61 expenses, started by" in text


def test_a_line_to_codat_that_is_down_ends_the_run_with_the_reason(
    place: Place,
) -> None:
    place.desk.line.unplugged = True
    with place.console() as app:
        browser = Browser(app)
        _, html = frozen(browser)
        run = sent(browser, send_form(html), reason=REASON).headers["location"]
        page = ended(browser, run, place=place)

    assert "It stopped:" in Seen(page).text


def test_what_is_hostile_is_text_on_the_pages_of_a_run(place: Place) -> None:
    with place.console(HOSTILE) as app:
        browser = Browser(app)
        _, html = frozen(browser)
        answer = sent(browser, send_form(html), reason=HOSTILE)
        page = ended(browser, answer.headers["location"], place=place)
        listed = browser.get("/retries").text

    for shown in (html, page, listed):
        assert Seen(shown).acting == []
        assert "<script>alert" not in shown
