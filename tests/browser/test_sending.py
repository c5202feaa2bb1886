"""Plans in a browser: only what was mended may go, and goes as it was seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from reconcile import CodatUnavailable
from tests.browser.chromium import flaws, opened, visit
from tests.browser.serving import console_served
from tests.console.retry_place import Place
from tests.retries.desk import COMPANY, id_of, retry_office

REASON = "The period is open again, ticket 4411."
CAUSE = "/causes/period_locked"
WAYS = """() => [...document.querySelectorAll('form, button, [type=submit]')]
    .filter(each => /retries/.test(each.action) || /send|retry/i.test(each.innerText))
    .filter(each => !each.closest('#decide'))
    .map(each => each.outerHTML)"""
"""What of a page sends something, or freezes what is to be sent."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Give an office with six expenses whose period is locked, and two in the books."""
    with retry_office(tmp_path) as desk:
        desk.create(range(6, 8))
        desk.settle()
        desk.lock()
        desk.create(range(6))
        desk.settle()
        yield Place(desk, tmp_path)


def mend(shown: Page, home: str) -> None:
    """Say by the forms of a page that the cause of the breaks is mended."""
    visit(shown, home + CAUSE)
    shown.locator("#decide [name=kind][value=mended]").check()
    shown.locator("#decide [name=reason]").fill(REASON)
    shown.get_by_role("button", name="See what it changes").click()
    shown.get_by_role("button", name="Record it for 6 expenses").click()
    assert "nothing is sent yet" in shown.inner_text("main")


def freeze(shown: Page, home: str) -> None:
    visit(shown, f"{home}/retries")
    shown.get_by_role("button", name="Freeze this plan").click()


def send(shown: Page, place: Place) -> None:
    """Send the plan of a page, and wait until its run is over."""
    shown.locator("[name=reason]").fill(REASON)
    shown.get_by_role("button", name="Send ").click()
    for _ in range(100):
        if "The plan was run" in shown.inner_text("h1"):
            return
        place.desk.office.wait(minutes=20)
        shown.wait_for_timeout(200)
        shown.reload()
    raise AssertionError(shown.inner_text("main"))


def number_in(text: str) -> int:
    return int("".join(filter(str.isdigit, text)))


def test_what_is_mended_is_planned_and_failed_again_is_to_be_fixed_first(
    browser: Browser, place: Place
) -> None:
    story = f"/expenses/{COMPANY}/{id_of(0)}"
    with (
        place.console() as app,
        console_served(app) as home,
        opened(browser) as shown,
    ):
        calls = place.desk.line.writes
        visit(shown, home + story)
        assert "Fix first" in shown.inner_text("dl.facts")
        mend(shown, home)
        visit(shown, f"{home}/retries")
        assert shown.inner_text("h1") == "6 expenses may be sent again"
        visit(shown, home + story)
        assert "Send again" in shown.inner_text("dl.facts")
        assert place.desk.line.writes == calls

        freeze(shown, home)
        assert flaws(shown) == []
        send(shown, place)
        assert flaws(shown) == []
        assert "1 refused" in shown.inner_text("main")
        assert place.desk.line.writes == calls + 1
        shown.locator("tr", has_text="Refused").get_by_role("link").first.click()
        assert "Fix first" in shown.inner_text("dl.facts")
        assert "Its cause mended, says Dana Whitfield" in shown.inner_text(".tl")
        assert "Fix first" in shown.locator(".tl .judged").last.inner_text()
        visit(shown, f"{home}/retries")
        assert shown.inner_text("h1") == "Nothing may be sent again just now"


def test_a_plan_and_what_it_leaves_out_are_all_and_one_that_changed_is_left_out_alone(
    browser: Browser, place: Place
) -> None:
    place.desk.unlock()
    place.desk.create(range(8, 10))  # being decided
    with (
        place.console() as app,
        console_served(app) as home,
        opened(browser) as shown,
        opened(browser) as other,
    ):
        mend(shown, home)
        visit(shown, f"{home}/expenses?booked=no")
        not_booked = number_in(shown.locator(".head p b").inner_text())
        freeze(shown, home)
        planned = number_in(shown.inner_text("h1"))
        left_out = number_in(shown.inner_text("#left"))
        assert (planned, left_out, not_booked) == (6, 2, 8)
        assert shown.locator(".plan tr:not(.grp) a").count() == planned

        visit(other, f"{home}/expenses/{COMPANY}/{id_of(4)}")
        other.locator("#decide [name=kind][value=booked]").check()
        other.locator("#decide [name=entry]").fill("4411")
        other.locator("#decide [name=reason]").fill(REASON)
        other.get_by_role("button", name="See what it changes").click()
        other.get_by_role("button", name="Record it for 1 expense").click()
        send(shown, place)

        assert "1 expense was left out" in shown.inner_text("main")
        named = shown.locator(f"tr:has(a[href*='{id_of(4)}'])").inner_text()
        assert "a person ended it" in named
        assert shown.locator("tr", has_text="a person ended it").count() == 1
        booked = set(place.desk.booked())
        assert booked >= {id_of(number) for number in range(6) if number != 4}
        assert id_of(4) not in booked


def test_what_may_not_be_sent_has_no_way_to_be_sent_on_any_page(
    browser: Browser, place: Place
) -> None:
    place.desk.create([8])
    place.desk.line.lose_answers = 10
    with pytest.raises(CodatUnavailable):
        place.desk.create([9])
    place.desk.line.lose_answers = 0
    verdicts = {"Fix first": id_of(0), "Never": id_of(6), "Wait": id_of(8)}
    with (
        place.console() as app,
        console_served(app) as home,
        opened(browser) as shown,
    ):
        writes = place.desk.line.writes
        for verdict, name in verdicts.items():
            visit(shown, f"{home}/expenses/{COMPANY}/{name}")
            assert verdict in shown.inner_text("dl.facts")
            assert shown.evaluate(WAYS) == []
        for path in ("/", "/expenses", "/causes", CAUSE, "/syncs", "/retries"):
            visit(shown, home + path)
            assert shown.evaluate(WAYS) == [], path
        visit(shown, f"{home}/requests")
        shown.locator("main a[href^='/requests/']").first.click()
        assert shown.evaluate(WAYS) == []
        assert flaws(shown) == []
        visit(shown, home + CAUSE)
        token = shown.locator("#decide [name=csrf]").input_value()
        forged = shown.request.post(f"{home}/retries/plan", form={"csrf": token})
        visit(shown, forged.url)
        assert shown.evaluate(WAYS) == []
        shown.request.post(f"{forged.url}/run", form={"csrf": token, "reason": REASON})

    assert place.desk.line.writes == writes
