"""Pictures of the console and the report for the docs: `scripts/pictures`."""

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

from reconcile import ConsoleApp, Reconciler, to_html
from reconcile.serving import in_thread

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
NOW = datetime(2026, 2, 1, 9, 40, tzinfo=UTC)
NAMES = ("Harrow & Finch Ltd", "Atelier Morel SAS", "Kitano Trading KK")
SIZE = {"width": 1240, "height": 900}


def main() -> None:
    """Make every picture of one store, at one moment."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'january.db'}"
        example = ROOT / "docs" / "examples" / "month_end.py"
        subprocess.run([sys.executable, example, url], check=True, cwd=ROOT)  # noqa: S603 - our own example

        def opened() -> Reconciler:
            return Reconciler.open(url, create=False, now=lambda: NOW)

        with opened() as books:
            report = books.report(as_of=NOW, known_at=None)
            names = dict(zip(books.store.companies(), NAMES, strict=False))
            broken = next(books.items(state="break"))
            page = folder / "report.html"
            page.write_bytes(b"".join(to_html(report, customers=names)))
        console = ConsoleApp(
            opened, lambda _: "Dana Whitfield", customers=names, now=lambda: NOW
        )
        server = uvicorn.Server(uvicorn.Config(console, log_level="error"))
        with in_thread(server, host="127.0.0.1", port=0, name="console") as served:
            story = f"/expenses/{broken.company_id}/{broken.transaction_id}"
            take(
                {
                    "console": f"{served.url}/",
                    "expense": f"{served.url}{story}",
                    "report": page.as_uri(),
                }
            )


def take(addresses: dict[str, str]) -> None:
    """Take a picture of what is seen first of each page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, address in addresses.items():
            context = browser.new_context(viewport=SIZE, color_scheme="light")
            shown = context.new_page()
            settle(shown, address)
            shown.screenshot(path=IMAGES / f"{name}.png")
            context.close()
        browser.close()


def settle(shown: Page, address: str) -> None:
    """Open a page, and wait while it says that it is still counting."""
    answer = shown.goto(address)
    while answer is not None and answer.status == 202:
        shown.wait_for_timeout(200)
        answer = shown.goto(address)


if __name__ == "__main__":
    main()
