"""Deciding by forms: previewed, signed, recorded once, or refused with what changed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconcile import Reconciler, read_lines
from reconcile.console.ticks import tick
from reconcile.domain.vocabulary import Verdict
from tests.builders import COMPANY
from tests.console.browser import Browser, Seen
from tests.console.deciding import (
    EXPENSE,
    NAMES,
    OTHER,
    REASON,
    WRITTEN,
    console_for,
    decision_form,
    position_of,
    previewed,
    states_of,
)
from tests.console.forms import form_in, forms_in, sent


@pytest.fixture
def browser(where: str) -> Iterator[Browser]:
    with console_for("Dana Whitfield", where) as app:
        yield Browser(app)


# What is refused


@pytest.mark.parametrize("reason", ["", "  short ", "\t\n", "x" * 2001])
def test_a_reason_that_says_nothing_is_refused_at_its_field(
    browser: Browser, where: str, reason: str
) -> None:
    before = position_of(where)

    answer = sent(browser, decision_form(browser), kind="waived", reason=reason)

    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="e-reason"' in answer.text
    assert 'id="e-reason"' in answer.text
    again = form_in(answer.text, "/decisions/new")
    assert again.all("reason") == [reason.strip()]
    assert again.all("kind") == ["waived"]
    assert position_of(where) == before


@pytest.mark.parametrize(("kind", "field"), [("booked", "entry"), ("moved", "to")])
def test_what_a_kind_needs_is_asked_for_at_its_field_and_the_reason_stays(
    browser: Browser, where: str, kind: str, field: str
) -> None:
    before = position_of(where)

    answer = sent(browser, decision_form(browser), kind=kind, reason=REASON)

    assert answer.status_code == 422
    assert f'aria-invalid="true" aria-describedby="e-{field}"' in answer.text
    assert form_in(answer.text, "/decisions/new").all("reason") == [REASON]
    assert position_of(where) == before


def test_the_record_is_refused_as_the_preview_is_and_never_without_one(
    browser: Browser, where: str
) -> None:
    form = previewed(browser, ["t1"])
    before = position_of(where)

    short = sent(browser, form, reason="short")
    unseen = sent(browser, form, stood=[])

    assert (short.status_code, unseen.status_code) == (422, 400)
    assert position_of(where) == before


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "deleted"},
        {"kind": ""},
        {"item": ["~"]},
        {"item": ["nothing"]},
        {"item": [f"{COMPANY}/unknown"]},
        {"item": []},
        {"mend": "x", "kind": "mended"},
        {"mend": f"{COMPANY}/fp2:0000", "kind": "mended"},
        {"kind": "reopened"},
        {"which": "all", "cut": "nothing=1"},
        {"which": "all", "cut": "state=lost"},
        {"entry": "4" * 201, "kind": "booked"},
    ],
    ids=str,
)
def test_a_form_that_cannot_be_meant_is_answered_in_a_sentence_and_records_nothing(
    browser: Browser, where: str, given: dict[str, str | list[str]]
) -> None:
    before = position_of(where)
    fields: dict[str, str | list[str]] = {"kind": "waived", "reason": REASON, **given}

    answer = sent(browser, decision_form(browser), **fields)

    assert answer.status_code in (400, 422)
    assert Seen(answer.text).acting == []
    assert position_of(where) == before


def test_who_may_only_read_sees_why_and_a_form_of_theirs_records_nothing(
    where: str,
) -> None:
    before = position_of(where)
    with console_for(None, where) as app:
        browser = Browser(app)
        form = decision_form(browser)

        answer = sent(browser, form, kind="waived", reason=REASON)
        record = browser.post("/decisions", form.filled(kind="waived", reason=REASON))

    assert all(off for _, _, off in form.buttons)
    assert "Decisions need the right to act" in "".join(form.texts)
    assert (answer.status_code, record.status_code) == (403, 403)
    assert position_of(where) == before


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_a_form_without_our_token_records_nothing(
    browser: Browser, where: str, token: str
) -> None:
    form = previewed(browser, ["t1"])
    before = position_of(where)

    assert sent(browser, form, csrf=token).status_code == 403
    assert position_of(where) == before


def test_a_past_moment_has_no_forms_at_all(browser: Browser) -> None:
    html = browser.get(f"{EXPENSE}?as_of=2026-03-02T10:00").text

    assert forms_in(html) == []


# What is recorded


def test_thirteen_are_previewed_recorded_resolved_and_brought_back(
    browser: Browser, where: str
) -> None:
    before = position_of(where)
    form = previewed(browser, NAMES, kind="booked", entry="4411")
    assert position_of(where) == before

    answer = sent(browser, form)
    assert answer.status_code == 303
    html = browser.get(answer.headers["location"]).text
    events = [link for link in Seen(html).links if "/events/" in link]
    assert set(states_of(where).values()) == {"resolved"}
    assert len(events) == len(NAMES)
    assert all(browser.get(link).status_code == 200 for link in events)

    reopen = sent(browser, form_in(html, "/decisions/new"))
    assert reopen.status_code == 200  # it asks for the reason
    again = sent(browser, form_in(reopen.text, "/decisions/new"), reason=REASON)
    assert sent(browser, form_in(again.text, "/decisions")).status_code == 303
    assert set(states_of(where).values()) == {"break"}


def test_the_preview_names_action_count_and_money_by_type_and_currency(
    browser: Browser,
) -> None:
    form = decision_form(browser)
    items = [tick(COMPANY, name) for name in NAMES]

    answer = sent(
        browser, form, item=items, kind="booked", entry="44 <b>", reason=REASON
    )

    text = Seen(answer.text).text
    assert "Booked by hand: 13 expenses" in text
    assert "Payments 8,352.50 GBP" in text
    assert "Nothing is recorded yet" in text
    assert "Record it for 13 expenses" in text
    assert "44 <b>" in text
    assert "The first 10 of 13" in text


def test_who_signed_and_why_are_recorded_with_the_number_of_the_entry(
    browser: Browser, where: str
) -> None:
    sent(browser, previewed(browser, ["t1"], kind="booked", entry="4411"))

    with Reconciler.open(where) as books:
        (case,) = books.cases()
    assert (case.actor, case.reason) == ("Dana Whitfield", f"Entry 4411: {REASON}")


def test_a_mend_is_of_all_that_failed_so_at_one_customer_and_sends_nothing(
    browser: Browser, where: str
) -> None:
    answer = sent(browser, decision_form(browser), kind="mended", reason=REASON)
    assert "Mended: 13 expenses" in Seen(answer.text).text

    result = sent(browser, form_in(answer.text, "/decisions"))

    with Reconciler.open(where) as books:
        plan = books.plan()
        rows = list(books.items(company_id=COMPANY))
    assert result.status_code == 303
    assert sorted(n for line in plan.lines for n in line.transactions) == sorted(NAMES)
    assert {row.item.verdict for row in rows} == {Verdict.RESEND}
    assert {row.item.attempts for row in rows} == {1}


def test_moved_names_the_company_that_has_it(browser: Browser, where: str) -> None:
    form = decision_form(browser)
    assert OTHER in form.choices["to"]
    assert COMPANY not in form.choices["to"]

    sent(browser, previewed(browser, ["t1"], kind="moved", to=OTHER))

    with Reconciler.open(where) as books:
        (case,) = books.cases()
    assert (case.decision, case.to) == ("moved", OTHER)


def test_all_that_match_are_decided_by_the_filter_with_one_signature(
    browser: Browser, where: str
) -> None:
    form = decision_form(browser)
    asked = {
        "kind": "waived",
        "reason": REASON,
        "cut": "state=break&customer=" + COMPANY,
    }

    answer = sent(browser, form, which="all", item=[], **asked)
    result = sent(browser, form_in(answer.text, "/decisions"))

    assert "Waive: 13 expenses" in Seen(answer.text).text
    assert result.status_code == 303
    assert set(states_of(where).values()) == {"resolved"}


def test_what_cannot_be_decided_is_left_out_of_the_rest_and_named(
    browser: Browser, where: str
) -> None:
    with Reconciler.open(where) as books:
        books.ingest(read_lines(WRITTEN))
    form = decision_form(browser)
    items = [tick(COMPANY, name) for name in NAMES]

    answer = sent(browser, form, item=items, kind="waived", reason=REASON)

    text = Seen(answer.text).text
    assert "Waive: 12 expenses" in text
    assert "1 expense left out" in text
    assert "It is in the books" in text


# What has changed meanwhile


def test_one_that_was_written_meanwhile_stops_it_all_and_the_rest_is_offered(
    browser: Browser, where: str
) -> None:
    form = previewed(browser, NAMES)
    with Reconciler.open(where) as books:
        books.ingest(read_lines(WRITTEN))
    before = position_of(where)

    answer = sent(browser, form)

    text = Seen(answer.text).text
    assert answer.status_code == 409
    assert "Nothing was recorded." in text
    assert "1 of the 13 expenses was written to the books meanwhile" in text
    assert position_of(where) == before
    rest = sent(browser, form_in(answer.text, "/decisions/new"))
    assert "Waive: 12 expenses" in Seen(rest.text).text
    assert sent(browser, form_in(rest.text, "/decisions")).status_code == 303
    assert sorted(states_of(where).values()) == ["cleared"] + ["resolved"] * 12


def test_one_that_another_person_ended_meanwhile_is_named(
    browser: Browser, where: str
) -> None:
    mine = previewed(browser, ["t1", "t2"])
    with console_for("M. Sato", where) as app:
        other = Browser(app)
        sent(other, previewed(other, ["t2"], kind="booked", entry="1"))
    before = position_of(where)

    answer = sent(browser, mine)

    assert answer.status_code == 409
    text = Seen(answer.text).text
    assert "1 of the 2 expenses was ended by a person (booked by hand)" in text
    assert "Shop t2" in text
    assert "Shop t1" not in text
    assert position_of(where) == before


def test_a_mend_whose_set_has_changed_is_not_recorded(
    browser: Browser, where: str
) -> None:
    answer = sent(browser, decision_form(browser), kind="mended", reason=REASON)
    form = form_in(answer.text, "/decisions")
    with Reconciler.open(where) as books:
        books.ingest(read_lines(WRITTEN))
    before = position_of(where)

    changed = sent(browser, form)

    assert changed.status_code == 409
    assert "now 12 expenses are in it; 13 were seen" in Seen(changed.text).text
    assert position_of(where) == before


@pytest.mark.parametrize("kind", ["waived", "noted", "mended"])
def test_the_same_form_twice_is_recorded_once_and_says_so(
    browser: Browser, where: str, kind: str
) -> None:
    answer = sent(browser, decision_form(browser), kind=kind, reason=REASON)
    form = form_in(answer.text, "/decisions")
    first = sent(browser, form)
    before = position_of(where)

    second = sent(browser, form)

    assert (first.status_code, second.status_code) == (303, 303)
    assert position_of(where) == before
    text = Seen(browser.get(second.headers["location"]).text).text
    assert "Decided already" in text


def test_the_same_form_many_times_at_once_is_recorded_once(
    browser: Browser, where: str
) -> None:
    form = previewed(browser, NAMES, kind="noted")
    before = position_of(where)
    with ThreadPoolExecutor(4) as threads:
        answers = [*threads.map(lambda _: sent(browser, form), range(4))]

    assert [answer.status_code for answer in answers] == [303] * 4
    assert position_of(where) == before + len(NAMES)
