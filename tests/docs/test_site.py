"""The docs as a site: its navigation has every page, every link to a heading holds."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import DOCS, ROOT, sections

PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def pages_in(entry: Any) -> Iterator[str]:
    """Yield the pages that an entry of the navigation names, in order."""
    match entry:
        case str():
            yield entry
        case list():
            for inner in entry:
                yield from pages_in(inner)
        case dict():
            for inner in entry.values():
                yield from pages_in(inner)


def anchor(heading: str) -> str:
    """Return what GitHub and the site call a heading in an address."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def test_the_navigation_has_every_page_once_and_no_other() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))
    named = list(pages_in(settings["project"]["nav"]))

    assert sorted(named) == sorted(
        page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text("utf-8"))

    assert [
        f"{file}#{name}"
        for file, name in links
        if name not in map(anchor, sections(page.parent / file if file else page))
    ] == []
