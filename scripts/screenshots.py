"""Pictures of the console and the report for the docs: `scripts/pictures`.

They are of one story, which docs/month-end-close.md tells: the month that
docs/examples/month_end.py lives, what Dana decides, and what is sent again.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

import httpx
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from reconcile import CodatClient, ConsoleApp, Reconciler, to_html
from reconcile.sandbox import Sandbox
from reconcile.serving import in_thread

ROOT: Final = Path(__file__).parents[1]
IMAGES: Final = ROOT / "docs" / "images"
NOW: Final = datetime(2026, 2, 1, 9, 40, tzinfo=UTC)
NAMES: Final = ("Harrow & Finch Ltd", "Atelier Morel SAS", "Kitano Trading KK")
WIDTH: Final = 1280
REASONS: Final[Mapping[str, str]] = {
    "mended": "Harrow & Finch restored account 1. Ms Okafor by mail, 1 February.",
    "booked": "December stays closed: their accountant entered all eight by hand.",
    "waived": "The hotel cancelled the stay, and charged nothing.",
    "sent": "The account is back, and the rest were nobody's fault.",
    "again": "The service answers again.",
}


class January:
    """The month, with its sandbox: what `opened` reads stands at the sandbox's now."""

    def __init__(self, folder: Path) -> None:
        example = _example()
        self.url = f"sqlite:///{folder / 'january.db'}"
        self.sandbox: Sandbox = example.codat()
        example.lived(self.url, self.sandbox)
        self.sandbox.advance(NOW - self.sandbox.now)
        with self.opened() as books:
            self.names = dict(zip(books.store.companies(), NAMES, strict=True))

    def opened(self) -> Reconciler:
        """Return the books of the month."""
        return Reconciler.open(self.url, create=False, now=lambda: self.sandbox.now)

    @contextmanager
    def client(self, books: Reconciler) -> Iterator[CodatClient]:
        """Give what a run sends with."""
        with httpx.Client(transport=self.sandbox.transport()) as http:
            yield CodatClient(
                http,
                api_keys="key",
                record=books.record,
                now=lambda: self.sandbox.now,
                sleep=lambda _: None,
            )

    @contextmanager
    def served(self) -> Iterator[str]:
        """Give the address of its console, where Dana may do everything."""
        console = ConsoleApp(
            self.opened,
            lambda _: "Dana Whitfield",
            may_run=lambda _: True,
            send=self.client,
            customers=self.names,
            now=lambda: self.sandbox.now,
        )
        server = uvicorn.Server(uvicorn.Config(console, log_level="error"))
        with in_thread(server, host="127.0.0.1", port=0, name="console") as served:
            yield served.url

    def wait(self, minutes: float) -> None:
        """Let time pass."""
        self.sandbox.advance(timedelta(minutes=minutes))

    def restore_accounts(self) -> None:
        """Have the customer do what Dana asked for."""
        for company in self.sandbox.companies.values():
            company.ledger.deleted_accounts.clear()

    def write_report(self, path: Path) -> None:
        """Write the month's report as a page."""
        with self.opened() as books:
            report = books.report(as_of=self.sandbox.now, known_at=None)
            path.write_bytes(b"".join(to_html(report, customers=self.names)))


class Walk:
    """Dana's way through the console, in a browser, with a picture here and there."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self.page = self._new()

    def _new(self, *, width: int = WIDTH, dark: bool = False) -> Page:
        return self._browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
        ).new_page()

    def see(self, path: str) -> None:
        """Open a page."""
        settle(self.page, self._url + path)

    def open_smallest(self) -> None:
        """Open the expense of 6.32 GBP from a list."""
        row = self.page.locator("tr", has_text=re.compile(r"\b6\.32\b"))
        row.get_by_role("link").first.click()

    def take(self, name: str, height: int) -> None:
        """Take a picture of the page, from the top down."""
        _save(self.page, name, {"height": height})

    def take_part(self, name: str, first: str, last: str) -> None:
        """Take a picture of a card, from a line of it to another."""
        begin = self.page.locator(first).bounding_box()
        end = self.page.locator(last).bounding_box()
        card = self.page.locator(".card", has=self.page.locator(first)).bounding_box()
        if begin and end and card:
            top, bottom = begin["y"] - 2, end["y"] + end["height"] + 12
            clip = {**card, "y": top, "height": bottom - top}
            _save(self.page, name, clip)

    def take_otherwise(
        self, name: str, height: int, address: str, *, width: int = WIDTH, dark: bool
    ) -> None:
        """Take a picture of a page in another width, or in the dark."""
        page = self._new(width=width, dark=dark)
        settle(page, address if ":" in address else self._url + address)
        _save(page, name, {"height": height})
        page.context.close()

    def preview(self, kind: str, *, label: str, reason: str) -> None:
        """Fill in the form of a decision, and see what it changes."""
        self.page.get_by_role("radio", name=label).check()
        if kind == "booked":
            self.page.get_by_label("Entry number in their books").fill("JNL-0412")
            self.page.get_by_label("that match").check()
        self.page.get_by_label("Reason").fill(reason)
        self.page.get_by_role("button", name="See what it changes").click()

    def record(self) -> None:
        """Record what the preview shows."""
        self.page.get_by_role("button", name="Record it for").click()


def main() -> None:
    """Make every picture."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        sync_playwright() as playwright,
    ):
        month = January(Path(name))
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        with month.served() as url:
            walk = Walk(browser, url)
            _look(walk, month, Path(name))
            _decide(walk, month)
            _send(walk, month)
            _check(walk, month, Path(name))
        browser.close()


def _look(walk: Walk, month: January, folder: Path) -> None:
    """See what is not in the books, and why."""
    walk.see("/")
    walk.take("console", 840)
    walk.take_otherwise("close-phone", 780, "/", width=390, dark=True)
    walk.see("/causes/account_archived")
    walk.take("close-cause", 720)
    walk.open_smallest()
    walk.take("expense", 760)
    month.write_report(folder / "open.html")
    walk.take_otherwise("report", 800, (folder / "open.html").as_uri(), dark=False)


def _decide(walk: Walk, month: January) -> None:
    """Record what was done about each cause."""
    month.wait(85)
    walk.see("/causes/account_archived")
    walk.preview("mended", label="Mended", reason=REASONS["mended"])
    walk.take("close-preview", 620)
    walk.record()
    month.restore_accounts()
    month.wait(10)
    walk.see("/causes/period_locked")
    walk.preview("booked", label="Booked by hand", reason=REASONS["booked"])
    walk.record()
    month.wait(5)
    walk.see("/causes/STUCK")
    walk.page.get_by_role("checkbox", name="16.78").check()
    walk.preview("waived", label="Waive", reason=REASONS["waived"])
    walk.record()


def _send(walk: Walk, month: January) -> None:
    """Freeze the plan, run it, and follow it to the books."""
    month.wait(5)
    walk.see("/retries")
    walk.page.get_by_role("button", name="Freeze this plan").click()
    walk.take("close-plan", 700)
    _run(walk, month, REASONS["sent"])
    walk.take("close-run", 560)
    month.wait(30)
    walk.see("/retries")
    walk.page.get_by_role("button", name="Freeze this plan").click()
    _run(walk, month, REASONS["again"])


def _run(walk: Walk, month: January, reason: str) -> None:
    """Send a frozen plan, and let time pass until it is decided."""
    walk.page.get_by_label("Reason").fill(reason)
    walk.page.get_by_role("button", name="Send").click()
    address = walk.page.url
    while "refresh" in settle(walk.page, address):
        month.wait(2)
        walk.page.wait_for_timeout(1_100)  # the run reads once a second


def _check(walk: Walk, month: January, folder: Path) -> None:
    """See how it stands, what was known before, and that the figures tie out."""
    walk.take_otherwise("close-after", 560, "/", dark=True)
    walk.see("/expenses?state=cleared")
    walk.open_smallest()
    walk.take_part("close-story", ".tl .day:not(.end) >> nth=-1", ".tl .day.end")
    walk.see("/audit")
    walk.take("close-audit", 640)
    walk.page.get_by_role("button", name="Tie out").click()
    walk.page.wait_for_timeout(2_000)
    walk.see("/audit/tie-out")
    walk.take("close-tie-out", 270)
    month.write_report(folder / "closed.html")
    closed = (folder / "closed.html").as_uri()
    walk.take_otherwise("close-report", 800, closed, dark=False)


def _example() -> ModuleType:
    """Return the example, which is a program and not of a package."""
    path = ROOT / "docs" / "examples" / "month_end.py"
    spec = spec_from_file_location("month_end", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def settle(page: Page, address: str) -> Mapping[str, str]:
    """Open a page, wait while it says that it still counts; return its headers."""
    answer = page.goto(address)
    while answer is not None and answer.status == 202:
        page.wait_for_timeout(200)
        answer = page.goto(address)
    return {} if answer is None else answer.headers


def _save(page: Page, name: str, clip: Mapping[str, float]) -> None:
    width = page.viewport_size["width"] if page.viewport_size else WIDTH
    page.screenshot(
        path=IMAGES / f"{name}.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": width, **clip},  # type: ignore[typeddict-item]
    )


if __name__ == "__main__":
    main()
