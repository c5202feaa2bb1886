"""Where forms of decisions are, what they offer, and that nothing else acts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from tests.builders import COMPANY, create_of, expense_of, page, row, status
from tests.console.browser import Browser, Seen
from tests.console.deciding import (
    EXPENSE,
    OTHER,
    REASON,
    WRITTEN,
    console_for,
    decision_form,
    position_of,
    previewed,
    states_of,
)
from tests.console.forms import form_in, sent
from tests.console.stores import HOSTILE, LOCKED, store_with, url_in


@pytest.fixture
def browser(where: str) -> Iterator[Browser]:
    with console_for("Dana Whitfield", where) as app:
        yield Browser(app)


# What is hostile, and what only reads


def test_hostile_names_and_reasons_are_text_on_every_page_of_a_decision(
    where: str,
) -> None:
    with console_for(HOSTILE, where) as app:
        browser = Browser(app)
        form = decision_form(browser)
        reason = f"{HOSTILE} {HOSTILE}"
        answer = sent(browser, form, kind="booked", entry=HOSTILE, reason=reason)
        result = sent(browser, form_in(answer.text, "/decisions"))
        shown = browser.get(result.headers["location"])
        short = sent(browser, form, kind="booked", entry=HOSTILE, reason="<b>")

    for html in (answer.text, shown.text, short.text):
        assert Seen(html).acting == []
        assert "<script>alert" not in html
    assert result.status_code == 303


def test_no_link_of_the_pages_changes_anything(browser: Browser, where: str) -> None:
    sent(browser, previewed(browser, ["t1"]))
    before = position_of(where)
    left, seen = ["/decisions", EXPENSE], set[str]()

    while left:
        path = left.pop()
        if path in seen or len(seen) > 200:
            continue
        seen.add(path)
        answer = browser.get(path)
        assert answer.status_code in (200, 202, 303), path
        if "html" in answer.headers.get("content-type", ""):
            links = Seen(answer.text).links
            left += [link for link in links if link.startswith("/")]

    assert position_of(where) == before
    assert "/decisions/new" not in seen
    assert browser.get("/decisions/new").status_code == 303


# Where forms are


def test_a_cause_offers_its_mend_and_what_is_ticked_or_all(
    browser: Browser,
) -> None:
    form = decision_form(browser, "/causes/period_locked")
    assert form.choices["kind"] == ["mended", "booked", "moved", "waived", "noted"]
    assert form.all("kind") == ["mended"]

    waived = sent(browser, form, kind="waived", which="all", reason=REASON)
    mended = sent(browser, form, reason=REASON)

    assert "Waive: 13 expenses" in Seen(waived.text).text
    assert "Mended: 13 expenses" in Seen(mended.text).text
    assert "The list has changed" not in waived.text


def test_the_list_of_expenses_has_a_bar_for_what_is_ticked_or_all_that_match(
    browser: Browser,
) -> None:
    html = browser.get(f"/expenses?state=break&customer={COMPANY}").text
    form = form_in(html, "/decisions/new")
    assert len(form.choices["item"]) == 13

    three = sent(browser, form, item=form.choices["item"][:3], kind="waived")
    every = sent(browser, form, which="all", kind="waived")
    stale = sent(browser, form, which="all", kind="waived", number="14", reason=REASON)

    assert "3 expenses" in Seen(three.text).text
    assert (three.status_code, every.status_code) == (200, 200)
    assert "Tick expenses in the list" not in every.text  # its list has no ticks
    asked = form_in(every.text, "/decisions/new")
    preview = sent(browser, asked, reason=REASON)
    assert "Waive: 13 expenses" in Seen(preview.text).text
    assert "The list has changed since you opened it" in Seen(stale.text).text


def test_ticked_expenses_that_failed_alike_are_mended_with_all_that_did(
    browser: Browser,
) -> None:
    html = browser.get("/expenses?state=break").text
    form = form_in(html, "/decisions/new")

    two = sent(browser, form, item=form.choices["item"][:2], kind="mended")
    asked = form_in(two.text, "/decisions/new")
    preview = sent(browser, asked, reason=REASON)

    assert asked.all("kind") == ["mended"]
    assert "Mended: 13 expenses" in Seen(preview.text).text
    assert "Mended…" not in browser.get("/expenses?state=open").text


def test_of_ticked_expenses_that_failed_in_several_ways_one_way_is_mended(
    tmp_path: Path,
) -> None:
    archived = "Account account-1 is archived or was deleted."
    lines = [
        create_of(expense_of("t1", 1), expense_of("t2", 2)),
        status(5130, minutes=2),
        page(
            row("t1", "PushError", message=LOCKED),
            row("t2", "PushError", message=archived),
            minutes=3,
        ),
    ]
    app = console_for("Dana", store_with(tmp_path, lines))
    with app:
        desk = Browser(app)
        form = form_in(desk.get("/expenses?state=break").text, "/decisions/new")

        both = sent(desk, form, item=form.choices["item"], kind="mended")
        asked = form_in(both.text, "/decisions/new")
        preview = sent(desk, asked, mend=asked.choices["mend"][0], reason=REASON)
        none = sent(desk, asked, mend="", reason=REASON)

    assert "They failed in 2 ways." in Seen(both.text).text
    assert len(asked.choices["mend"]) == 2
    assert "Mended: 1 expense" in Seen(preview.text).text
    assert none.status_code == 422
    assert "choose which" in Seen(none.text).text


def test_only_what_can_work_is_offered(browser: Browser, where: str) -> None:
    with Reconciler.open(where) as books:
        books.ingest(read_lines(WRITTEN))

    written = decision_form(browser, f"/expenses/{COMPANY}/t3")
    under_way = decision_form(browser, f"/expenses/{OTHER}/x1")
    broken = decision_form(browser)

    assert written.choices["kind"] == ["noted"]
    assert "mended" not in under_way.choices["kind"]
    assert "reopened" not in broken.choices["kind"]
    for form in (written, under_way, broken):
        assert "send" not in " ".join(form.texts).lower().replace("sent", "")


def test_a_large_set_goes_by_its_filter_in_batches_and_still_once_or_not_at_all(
    tmp_path: Path,
) -> None:
    names = [f"{n:08d}-2222-4222-8222-222222222222" for n in range(700)]
    url = url_in(tmp_path)
    with Reconciler.open(url) as books:
        rows = [row(name, "PushError", message=LOCKED) for name in names]
        sent_first = [expense_of(name, 1) for name in names]
        books.ingest(
            read_lines([create_of(*sent_first), page(*rows, minutes=3, size=1000)])
        )
    with console_for("Dana Whitfield", url) as app:
        browser = Browser(app)
        form = decision_form(browser, "/causes/period_locked")
        asked = sent(browser, form, kind="waived", which="all", reason=REASON)
        confirm = form_in(asked.text, "/decisions")
        assert confirm.all("item") == []
        assert confirm.all("which") == ["all"]
        changed = sent(browser, confirm, seen="sha256:0")
        first = sent(browser, confirm)
        before = position_of(url)
        second = sent(browser, confirm)

    assert "700 expenses are in it; 700 were seen" in Seen(changed.text).text
    assert (changed.status_code, first.status_code) == (409, 303)
    assert (second.status_code, position_of(url)) == (303, before)
    assert "again=yes" in second.headers["location"]
    assert [*states_of(url).values()] == ["resolved"] * 700
