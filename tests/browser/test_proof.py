"""What the console proves, in a browser: each line by its bytes, each moment again."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reconcile import Reconciler
from reconcile.domain.instants import format_instant
from tests.browser.chromium import flaws, opened, visit
from tests.browser.serving import console_served
from tests.builders import COMPANY, at, uuid_of
from tests.console.ledgers import LATER, clock_at, ledger_console, ledger_in

DAY = 24 * 60
EARLY, LATE = (format_instant(at(days * DAY + 60)) for days in (2, 4))
MOMENTS = (
    f"/expenses?as_of={EARLY}&known_at={EARLY}",
    f"/report?as_of={EARLY}&known_at={LATE}",
    f"/audit?as_of_a={EARLY}&known_at_a={EARLY}&as_of_b={LATE}&known_at_b={LATE}",
)
TIED_MS = 30_000

LINES = """() => [...document.querySelectorAll('.tl > li:not(.day)')]
    .filter(line => !line.querySelector('.judged'))
    .map(line => ({
        decided: !!line.querySelector('.by'),
        event: line.querySelector('a[href*="/events/"]')?.href,
        bytes: line.querySelector('a[href*="/evidence/"]')?.href,
        digest: line.querySelector('[data-copy^="sha256:"]')?.dataset.copy,
    }))"""
EVENT = """() => ({
    bytes: [...document.querySelectorAll('main a[href*="/evidence/"]')]
        .map(link => link.href),
    digests: [...document.querySelectorAll('main [data-copy^="sha256:"]')]
        .map(button => button.dataset.copy),
})"""
DIGESTS = """() => [
    ...[...document.querySelectorAll('[data-copy^="sha256:"]')]
        .map(button => button.dataset.copy),
    ...document.body.innerText.match(/sha256:[0-9a-f]{64}/g) ?? [],
]"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store that no test changes."""
    folder = tmp_path_factory.mktemp("proof")
    ledger_in(folder, number=12)
    return folder


@pytest.fixture(scope="module")
def address(ledger: Path) -> Iterator[str]:
    with ledger_console(url_of(ledger)) as app, console_served(app) as home:
        yield home


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


def digest_of(shown: Page, address: str) -> str:
    """Return the SHA-256 of what an address gives, as a digest is written."""
    answer = shown.request.get(address)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return f"sha256:{hashlib.sha256(answer.body()).hexdigest()}"


def test_each_line_of_a_story_leads_to_its_event_and_to_bytes_of_the_digest_shown(
    browser: Browser, address: str
) -> None:
    with opened(browser) as shown:
        decided, events = [], set()
        for number in (1, 4):  # failed and booked by hand; in the books
            visit(shown, f"{address}/expenses/{COMPANY}/{uuid_of(number)}")
            lines = shown.evaluate(LINES)
            assert len(lines) >= 3
            for line in lines:
                assert line["event"]
                events.add(line["event"])
                decided.append(line["decided"])
                if not line["decided"]:
                    assert line["digest"] == digest_of(shown, line["bytes"])
        for event in sorted(events):
            visit(shown, event)
            assert shown.inner_text("h1") == f"Event {event.rpartition('/')[2]}"
            rests = shown.evaluate(EVENT)
            found = [digest_of(shown, link) for link in rests["bytes"]]
            assert found == rests["digests"]
            assert found or "it rests on who took it" in shown.inner_text("main")

    assert set(decided) == {True, False}


def digests_of(browser: Browser, folder: Path) -> list[list[str]]:
    """Return the digests of some moments by a console that is started for them."""
    with (
        ledger_console(url_of(folder)) as app,
        console_served(app) as home,
        opened(browser) as shown,
    ):
        found = []
        for path in MOMENTS:
            visit(shown, home + path)
            found.append(shown.evaluate(DIGESTS))
        return found


def test_a_moment_has_one_digest_after_a_restart_elsewhere_and_after_later_events(
    browser: Browser, ledger: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(ledger, tmp_path / "elsewhere"))
    first = digests_of(browser, ledger)
    with Reconciler.open(url_of(copy), now=clock_at(LATER)) as books:
        books.decide(
            "waive",
            company_id=COMPANY,
            transactions=[uuid_of(2)],
            actor="Dana",
            reason="Nothing to book.",
        )

    assert all(first)
    assert digests_of(browser, ledger) == first
    assert digests_of(browser, copy) == first


def test_a_tie_out_says_that_there_are_no_differences(
    browser: Browser, address: str
) -> None:
    with opened(browser) as shown:
        visit(shown, f"{address}/audit")
        shown.get_by_role("button", name="Tie out").click()
        expect(shown.get_by_text("0 differences")).to_be_visible(timeout=TIED_MS)
        assert flaws(shown) == []
