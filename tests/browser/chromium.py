"""Debian's Chromium, driven by Playwright: opened, and asked what a reader meets."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
WIDTHS: Final = (1440, 820, 420, 320)
MISSING: Final = "no Chromium on this machine: scripts/browser installs it, as root"
_FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
OF_COLOUR: Final = ("color-contrast", "link-in-text-block")
"""What a scheme may break: all other rules find the same in both."""
_AXE: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def chromium() -> str | None:
    """Return where Chromium is, None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def launched() -> Iterator[Browser]:
    """Give a browser without a window."""
    flags = [*_FLAGS, *(["--no-sandbox"] if os.getuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser,
    *,
    width: int = 1440,
    scheme: Scheme = "light",
    scripts: bool = True,
) -> Iterator[Page]:
    """Give an empty page of a width, in a scheme, with or without JavaScript."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=scripts,
        locale="en-GB",
    )
    yield context.new_page()
    context.close()


def visit(shown: Page, address: str) -> None:
    """Open a page, and wait while it says that it is still counting."""
    answer = shown.goto(address)
    while answer is not None and answer.status == 202:
        shown.wait_for_timeout(200)
        answer = shown.goto(address)


def too_wide(page: Page) -> list[str]:
    """Return what makes a page scroll sideways: the elements that stick out."""
    found: list[str] = page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll('body *')]
                .filter(e => e.getBoundingClientRect().right > width + 1)
                .map(e => e.outerHTML.slice(0, 120));
        }"""
    )
    return found


def axe_findings(page: Page, *rules: str) -> list[str]:
    """Return what axe finds against WCAG 2.2 AA, or by some rules, and where."""
    if not page.evaluate("'axe' in window"):
        script = files("axe_playwright_python").joinpath("axe.min.js")
        page.evaluate(script.read_text("utf-8"))
    only = (
        {"type": "rule", "values": rules} if rules else {"type": "tag", "values": _AXE}
    )
    found: dict[str, Any] = page.evaluate(
        "only => axe.run(document, {runOnly: only})", only
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def flaws(page: Page) -> list[str]:
    """Return what a page lacks for some eyes: in both schemes, and on a small phone."""
    found = axe_findings(page)
    page.emulate_media(color_scheme="dark")
    found += axe_findings(page, *OF_COLOUR)
    wide = page.viewport_size
    page.set_viewport_size({"width": WIDTHS[-1], "height": 900})
    found += too_wide(page)
    page.emulate_media(color_scheme="light")
    if wide is not None:
        page.set_viewport_size(wide)
    return found
