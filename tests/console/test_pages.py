"""The pages that need no list: what they say, where they lead, what cannot act."""

import hashlib
import re
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urljoin

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from reconcile import ConsoleApp, Reconciler, read_lines
from reconcile.console.links import id_in_path
from tests.builders import COMPANY, at
from tests.console.browser import Browser, Seen
from tests.console.stores import (
    HOSTILE,
    LOCKED,
    STORY,
    UNREAD,
    console_on,
    hostile_store,
    store_with,
    url_in,
)

WAYS_MAX = 3
REPORTS = ("/report", "/report.html")
AFTER_A_FORM = {
    *("decisions_csv", "decisions_form", "decisions_json", "tie_out"),
    *("plan", "plan-file", "run", "run_csv", "run_json"),
    *("request", "requests_csv", "requests_json"),
}
"""The pages that no link leads to before something was decided, sent or asked."""
EXPENSE = f"/expenses/{COMPANY}/t1"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def walked(browser: Browser, start: str) -> dict[str, str]:
    """Return every page that links lead to, from one on: address and HTML.

    Of the addresses that differ by their query alone, some: filters, orders and
    moments of lists can be put together in more ways than can be walked.
    """
    found: dict[str, str] = {}
    ways: Counter[str] = Counter()
    left = [start]
    while left:
        path = left.pop()
        place = path.partition("?")[0]
        if path in found or ways[place] == WAYS_MAX:
            continue
        ways[place] += 1
        answer = browser.get(path)
        while answer.status_code == 202:
            answer = browser.get(path)
        while answer.is_redirect:
            answer = browser.get(urljoin(path, answer.headers["location"]))
        assert answer.status_code == 200, path
        assert_safe(answer.headers)
        is_page = answer.headers["content-type"].startswith("text/html")
        found[path] = answer.text if is_page else ""
        links = Seen(answer.text).links if is_page else []
        left += [urljoin(path, link) for link in links if not link.startswith("#")]
    return found


def assert_safe(headers: object) -> None:
    given = dict(headers)  # type: ignore[call-overload]  # httpx's own mapping
    assert {name: given.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in given["content-security-policy"]
    assert "frame-ancestors 'none'" in given["content-security-policy"]


def test_an_expense_says_whether_it_is_booked_why_not_and_whose_move_it_is(
    tmp_path: Path,
) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))
    seen = Seen(browser.get(EXPENSE).text)

    (address,) = [link for link in seen.links if link.endswith("story.json")]
    (story,) = browser.get(address).json()["stories"]
    assert (story["transaction_id"], story["item"]["state"]) == ("t1", "break")
    for phrase in (
        "Kestrel Hotel · 642.00",
        "Is it in the books? No. Break",
        "Why not The books are locked for this date",
        "Whose move, and what next Customer",
        "Ask them to open the period.",
        LOCKED,
    ):
        assert phrase in seen.text
    assert seen.elements.count("h1") == 1


def test_every_line_of_a_story_leads_to_its_event_and_to_bytes_of_its_digest(
    tmp_path: Path,
) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))
    links = Seen(browser.get(EXPENSE).text).links
    evidence = [link for link in links if "/evidence/" in link]
    events = [link for link in links if "/events/" in link]

    assert len(evidence) == len(events) == 5  # sent, status, row, webhook and its row
    for link in evidence:
        answer = browser.get(link)
        digest = hashlib.sha256(answer.content).hexdigest()
        assert digest == link.rpartition("/")[2]
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("sandbox;")
    for link in events:
        assert browser.get(link).status_code == 200


def test_what_a_person_decided_is_marked_apart_from_what_was_said(
    tmp_path: Path,
) -> None:
    where = store_with(tmp_path, STORY)
    with Reconciler.open(where) as books:
        books.decide(
            "note",
            company_id=COMPANY,
            transactions=["t1"],
            actor="Dana",
            reason="They write.",
        )

    html = Browser(console_on(where)).get(EXPENSE).text

    assert html.count('class="person"') == 1
    assert html.count('class="by"') == 1
    assert re.search(r'class="by"><p>[^<]*<bdi>Noted by Dana: They write', html)
    assert html.count('class="judged ') == 2
    assert html.count('<span class="dot"></span>') == 5


def test_a_past_moment_is_marked_kept_by_links_and_answered_as_it_stood(
    tmp_path: Path,
) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))

    html = browser.get(f"{EXPENSE}?as_of=2026-03-02T09:01").text

    seen = Seen(html)
    assert "As it stood on 2 Mar 2026, 09:01 UTC. Read only." in seen.text
    assert "Is it in the books? Not yet. Open" in seen.text
    lasting = [link for link in seen.links if "/events/" in link or "/health" in link]
    assert lasting
    assert all(link.endswith("?as_of=2026-03-02T09%3A01") for link in lasting)
    assert EXPENSE in seen.links  # as it stands now


@pytest.mark.parametrize("path", ["/health", "/requests"])
def test_what_is_of_now_alone_says_so_at_a_past_moment(
    tmp_path: Path, path: str
) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))

    text = Seen(browser.get(f"{path}?as_of=2026-03-02T09:01").text).text

    assert "Read only" not in text
    assert "below are of now" in text or "below are those of now" in text
    assert "As of 2 Mar 2026, 09:01" not in text


def test_what_was_not_recorded_by_a_moment_is_not_known(tmp_path: Path) -> None:
    where = url_in(tmp_path)
    with Reconciler.open(where, now=lambda: at(10)) as books:
        books.ingest(read_lines(STORY[:1]))
    store_with(tmp_path, STORY)
    browser = Browser(console_on(where))

    before = Seen(browser.get(f"{EXPENSE}?known_at=2026-03-02T09:20").text)
    never = browser.get(f"{EXPENSE}?known_at=2026-03-02T09:05")

    assert "Is it in the books? Not yet." in before.text
    assert LOCKED not in before.text
    assert never.status_code == 404


def test_what_others_wrote_acts_on_no_page(tmp_path: Path) -> None:
    browser = Browser(console_on(hostile_store(tmp_path)))

    pages = walked(browser, "/")
    with Reconciler.open(url_in(tmp_path)) as books:
        ids = [row.transaction_id for row in books.items()]
    assert HOSTILE in ids
    for name in ids:
        pages |= walked(browser, f"/expenses/{COMPANY}/{id_in_path(name)}")

    assert len(pages) > 10
    for path, html in pages.items():
        seen = Seen(html)
        its_own = ["style"] if path.partition("?")[0] in REPORTS else []
        assert seen.acting == its_own, path
        assert len(html) < 300_000, path
        assert "\u202e" not in html
        assert "\x1b" not in html
        assert len(seen.ids) == len(set(seen.ids)), path


def test_what_could_not_be_read_is_listed_with_its_reason_and_its_bytes(
    tmp_path: Path,
) -> None:
    where = store_with(tmp_path, [*STORY, UNREAD])
    browser = Browser(console_on(where))

    seen = Seen(browser.get("/quarantine").text)
    (link,) = [link for link in seen.links if "/evidence/" in link]
    shown = browser.get(link)

    assert "1 piece of evidence could not be read" in seen.text
    assert "not a HAR entry" in seen.text
    assert shown.status_code == 200
    assert "Nothing waits to be read" not in seen.text


def test_an_empty_quarantine_says_what_would_fill_it(tmp_path: Path) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))

    assert "Nothing waits to be read." in Seen(browser.get("/quarantine").text).text


def test_the_health_of_a_store_is_what_doctor_says_of_it(tmp_path: Path) -> None:
    browser = Browser(console_on(store_with(tmp_path, [*STORY, UNREAD])))

    text = Seen(browser.get("/health").text).text

    assert "1 check of 7 found a problem" in text
    assert "unread evidence: 1" in text


@pytest.mark.parametrize("prefix", ["/finance/reconcile", "/a b/ü"])
def test_mounted_under_a_path_every_link_stays_below_it(
    tmp_path: Path, prefix: str
) -> None:
    console = console_on(store_with(tmp_path, [*STORY, UNREAD]))
    browser = Browser(Starlette(routes=[Mount(prefix, console)]))
    root = quote(prefix)
    pages = walked(browser, f"{root}/") | walked(browser, f"{root}{EXPENSE}")

    assert len(pages) > 8
    paths = [path.removeprefix(root).partition("?")[0] for path in pages]
    assert {
        page.name
        for page in ConsoleApp.pages
        if page.method == "GET"
        and not any(re.fullmatch(re.sub("{.*?}", "[^/]+", page.path), p) for p in paths)
    } <= AFTER_A_FORM
    assert all(path.startswith(f"{root}/") for path in pages)
    for html in pages.values():
        for address in re.findall(r'(?:href|src|action)="([^"#][^"]*)"', html):
            assert address.startswith(f"{root}/")
    assert browser.get(root).headers["location"].endswith(f"{root}/")


def test_the_style_sheet_may_be_kept_for_ever_and_pages_never(tmp_path: Path) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))
    html = browser.get("/health").text
    (sheet,) = re.findall(r'rel="stylesheet" href="([^"]+)"', html)

    style = browser.get(sheet)

    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    assert browser.get("/health").headers["cache-control"] == "no-store"
    assert "url(" not in style.text
    assert "@import" not in style.text


@pytest.mark.parametrize(
    "path", ["/nothing", "/health?x=1", f"/expenses/{COMPANY}/none", "/evidence/a"]
)
def test_errors_have_the_same_headers_as_pages(tmp_path: Path, path: str) -> None:
    browser = Browser(console_on(store_with(tmp_path, STORY)))

    answer = browser.get(path)

    assert answer.status_code >= 400
    assert_safe(answer.headers)


def test_who_is_not_signed_in_reads_and_the_page_says_so(tmp_path: Path) -> None:
    browser = Browser(ConsoleApp(store_with(tmp_path, STORY)))

    assert "Read only" in Seen(browser.get("/health").text).text
