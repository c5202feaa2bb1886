"""The month-end close: its pages say what they are quoted to say, its figures hold."""

import re
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from reconcile import ConsoleApp, Reconciler
from tests.console.browser import Browser, Seen
from tests.console.forms import form_in, sent
from tests.docs.markdown import DOCS

PAGE = DOCS / "month-end-close.md"
NOW = datetime(2026, 2, 1, 9, 40, tzinfo=UTC)
REASON = "Ms Okafor by mail, 1 February."


def example() -> ModuleType:
    """Return the example, which is a program and not of a package."""
    path = DOCS / "examples" / "month_end.py"
    spec = spec_from_file_location("month_end", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the words of the pages that Dana sees, up to the frozen plan."""
    url = f"sqlite:///{tmp_path_factory.mktemp('january') / 'january.db'}"
    program = example()
    program.lived(url, program.codat())

    def opened() -> Reconciler:
        return Reconciler.open(url, create=False, now=lambda: NOW)

    with ConsoleApp(opened, lambda _: "Dana Whitfield", now=lambda: NOW) as console:
        browser = Browser(console)
        texts = [seen(browser, "/"), seen(browser, "/causes/account_archived")]
        texts.append(decided(browser, "account_archived"))
        texts.append(decided(browser, "period_locked", kind="booked", entry="JNL-0412"))
        stuck = browser.get("/causes/STUCK").text
        hotel = re.findall(
            r'name="item" value="([^"]+)"[^>]* aria-label="[^"]*16.78', stuck
        )
        texts.append(decided(browser, "STUCK", kind="waived", item=hotel))
        texts += [seen(browser, "/retries"), seen(browser, "/report")]
    return " ".join(texts)


def seen(browser: Browser, path: str) -> str:
    """Return the words of a page, once it has counted."""
    while (answer := browser.get(path)).status_code == 202:
        pass
    return Seen(answer.text).text


def decided(browser: Browser, cause: str, **given: str | list[str]) -> str:
    """Record a decision about a cause; return the words of its preview."""
    form = form_in(browser.get(f"/causes/{cause}").text, "/decisions/new")
    which = {} if "item" in given else {"which": "all"}
    answer = sent(browser, form, reason=REASON, **which, **given)
    assert sent(browser, form_in(answer.text, "/decisions")).status_code == 303
    return Seen(answer.text).text


def test_what_a_page_is_quoted_to_say_stands_on_it(shown: str) -> None:
    quotes = re.findall(r"^> (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert len(quotes) > 4
    assert [quote for quote in quotes if quote not in shown] == []


@pytest.mark.parametrize(
    "figure",
    [
        "Mended: 14 expenses",
        "Booked by hand: 8 expenses",
        "Waive: 1 expense",
        "EUR 4,517.11",
        "GBP 12,081.63",
        "It probes for 13 others",
        "25 expenses in 5 calls",
        "9 were ended by a person",
        "Written twice: 10",
        "10 to look at",
    ],
)
def test_its_figures_are_those_of_the_month(shown: str, figure: str) -> None:
    number = re.sub(r"^(EUR|GBP) (.+)$", r"\2 \1", figure)

    assert number in shown


def test_every_picture_of_the_pages_is_in_the_docs_and_no_other() -> None:
    pages = " ".join(
        page.read_text("utf-8")
        for page in (*DOCS.rglob("*.md"), DOCS.parent / "README.md")
    )
    pictures = {path.name for path in Path(DOCS / "images").iterdir()}

    assert {name for name in pictures if f"images/{name})" in pages} == pictures
