"""Checks the docs as a built site: `python -m scripts.site_links FOLDER`.

Every link leads to a file of the site and to an anchor of it, and no page asks another
host for anything.
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src")}
NOT_LOADED = {"canonical", "next", "prev", "alternate"}
NO_FILE = {"mailto", "data", "javascript"}


class Seen(HTMLParser):
    """A page as a browser reads it: its anchors, and all that it leads to or loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.anchors = {"", "__top"}
        self.links: list[tuple[str, bool]] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element is called, and what it leads to."""
        found = {name: value or "" for name, value in attrs}
        self.anchors.add(found.get("id", ""))
        for name in ("href", "src"):
            if name in found:
                loads = (tag, name) in LOADS and found.get("rel") not in NOT_LOADED
                self.links.append((found[name], loads))


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with the pages of a site."""
    pages = {page: Seen(page) for page in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"{site}: there are no pages"
    for page, seen in pages.items():
        if page.name == "404.html":
            continue  # it is served at any depth
        for link, loads in seen.links:
            if wrong := _wrong(page, link, pages, loads=loads):
                yield f"{page.relative_to(site)}: {link}: {wrong}"
    for style in sorted(site.rglob("*.css")):
        if "url(http" in style.read_text("utf-8").replace('"', ""):
            yield f"{style.relative_to(site)}: it loads from another host"


def _wrong(page: Path, link: str, pages: dict[Path, Seen], *, loads: bool) -> str:
    parts = urlsplit(link)
    if parts.scheme in NO_FILE:
        return ""
    if parts.scheme or parts.netloc:
        return "it is loaded from another host" if loads else ""
    target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "there is no such file"
    if target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "there is no such anchor"
    return ""


def main(folder: str) -> int:
    """Say what is wrong, if anything; end with 1 where something is."""
    found = list(problems(Path(folder).resolve()))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
