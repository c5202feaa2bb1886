"""Decisions in a browser: previewed, recorded, reopened; refused after a change."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from reconcile import Reconciler, read_lines
from tests.browser.chromium import flaws, opened, visit
from tests.browser.serving import console_served
from tests.builders import COMPANY
from tests.console.deciding import (
    EXPENSE,
    LOCKED_13,
    REASON,
    console_for,
    position_of,
    states_of,
)
from tests.console.stores import UNREAD, url_in

CAUSE = "/causes/period_locked"
MONEY = "8,352.50 GBP"  # thirteen times 642.50


class Desk(NamedTuple):
    """A console over thirteen expenses that failed alike, and its store."""

    home: str
    store: str

    def states(self) -> set[str]:
        return set(states_of(self.store).values())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = url_in(tmp_path)
    with Reconciler.open(store) as books:
        books.ingest(read_lines([*LOCKED_13, UNREAD]))
    with (
        console_for("Dana Whitfield", store) as app,
        console_served(app) as home,
    ):
        yield Desk(home, store)


def choose(shown: Page, kind: str, which: str | None = None, **fields: str) -> None:
    """Fill in the form of a decision, and look at what it changes."""
    form = shown.locator("form#decide")
    form.locator(f"[name=kind][value={kind}]").check()
    if which is not None:
        form.get_by_label(which).check()
    for name, value in {"reason": REASON, **fields}.items():
        form.locator(f"[name={name}]").fill(value)
    form.get_by_role("button", name="See what it changes").click()


def facts(shown: Page) -> str:
    """Return the first figures of a page in a line."""
    return " ".join(shown.locator("dl.facts").inner_text().split())


def listed(shown: Page, home: str, state: str) -> str:
    """Return the number that the customer's list of a state says."""
    visit(shown, f"{home}/expenses?customer={COMPANY}&state={state}")
    return shown.locator(".head p b").inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_all_that_were_waived_are_resolved_and_reopened_are_as_before(
    browser: Browser, desk: Desk, scripts: bool
) -> None:
    with opened(browser, scripts=scripts) as shown:
        visit(shown, desk.home + CAUSE)
        choose(shown, "waived", "All 13 that match")
        before = position_of(desk.store)

        assert shown.inner_text("h1") == "Waive: 13 expenses"
        assert f"Expenses 13 Payments {MONEY}" in facts(shown)
        assert "The first 10 of 13" in shown.inner_text("main")
        assert not scripts or flaws(shown) == []
        assert desk.states() == {"break"}

        shown.get_by_role("button", name="Record it for 13 expenses").click()
        assert "13 expenses are resolved" in shown.inner_text("main")
        assert position_of(desk.store) > before
        assert desk.states() == {"resolved"}
        recorded = shown.url
        assert listed(shown, desk.home, "resolved") == "13"
        assert listed(shown, desk.home, "break") == "0"

        visit(shown, recorded)
        assert not scripts or flaws(shown) == []
        shown.get_by_role("button", name="Reopen them").click()
        shown.locator("form#decide [name=reason]").fill(REASON)
        shown.get_by_role("button", name="See what it changes").click()
        shown.get_by_role("button", name="Record it for 13 expenses").click()
        assert desk.states() == {"break"}
        assert listed(shown, desk.home, "break") == "13"


def test_what_changed_in_another_window_is_named_and_nothing_is_recorded(
    browser: Browser, desk: Desk
) -> None:
    with opened(browser) as first, opened(browser) as second:
        visit(first, desk.home + CAUSE)
        choose(first, "waived", "All 13 that match")

        visit(second, desk.home + EXPENSE)
        choose(second, "booked", entry="4411")
        second.get_by_role("button", name="Record it for 1 expense").click()
        before = position_of(desk.store)
        first.get_by_role("button", name="Record it for 13 expenses").click()

        assert first.inner_text(".status") == "409"
        alert = first.get_by_role("alert").inner_text()
        assert "Nothing was recorded." in alert
        assert "ended by a person (booked by hand)" in alert
        changed = first.get_by_role("table").inner_text()
        assert "Shop t1\t" in changed
        assert "Shop t2" not in changed
        assert position_of(desk.store) == before
        assert flaws(first) == []
        first.get_by_role("button", name="Look at the 12 that are left").click()
        assert first.inner_text("h1") == "Waive: 12 expenses"
        first.get_by_role("button", name="Record it for 12 expenses").click()
        assert "12 expenses are resolved" in first.inner_text("main")


def test_pages_that_refuse_and_pages_of_proof_are_for_all_eyes(
    browser: Browser, desk: Desk
) -> None:
    with opened(browser) as shown:
        for path in ("/expenses/nobody/e1", EXPENSE, "/events/1", "/expenses?x=1"):
            visit(shown, desk.home + path)
            assert flaws(shown) == [], path

        visit(shown, f"{desk.home}/quarantine")
        shown.locator("main a[href^='/quarantine/']").first.click()
        assert "set" in shown.inner_text("form .go").lower()
        assert flaws(shown) == []

        visit(shown, desk.home + EXPENSE)
        choose(shown, "waived", reason="        ")
        assert flaws(shown) == []

        visit(shown, desk.home + EXPENSE)
        shown.evaluate("document.querySelector('#decide [name=csrf]').value = 'x'")
        choose(shown, "waived")
        assert shown.inner_text(".status") == "403"
        assert flaws(shown) == []
