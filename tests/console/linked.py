"""The figures of a page as it shows them: each link to expenses, and what it says."""

import re
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from reconcile.console.filter import Filter

FIELDS = tuple(Filter.__attrs_attrs__)
_NAMES = frozenset(field.name for field in FIELDS)


class Linked(NamedTuple):
    """A figure's text, the currency behind or above it, and the words of its link."""

    text: str
    currency: str | None
    words: dict[str, tuple[str, ...]]
    href: str

    @property
    def filter(self) -> Filter:
        """Return the cut that its words ask for."""
        known = {k: values for k, values in self.words.items() if k in _NAMES}
        return Filter(**known)

    @property
    def number(self) -> Decimal | None:
        """Return the number it begins with, None where it is an age or has none."""
        if re.search(r"\d (d|h|min)$", self.text):
            return None
        found = re.match(r"-?[\d,]+(?:\.\d+)?", self.text)
        return None if found is None else Decimal(found[0].replace(",", ""))


class Figures(HTMLParser):
    """Every link of a page to `/expenses` that shows a figure, in order."""

    def __init__(self, html: str, *, path: str = "/expenses") -> None:
        super().__init__()
        self.found: list[Linked] = []
        self.hrefs: list[str] = []
        self._path = path
        self._href: str | None = None
        self._currency: str | None = None
        self._text = ""
        self._skipped: str | None = None
        self.feed(html)

    def __iter__(self) -> Iterator[Linked]:
        return iter(self.found)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a link; its currency stands in an `i`, or in an attribute."""
        given = dict(attrs)
        href = given.get("href") or ""
        if tag == "a" and href:
            self.hrefs.append(href)
        if tag == "a" and urlsplit(href).path == self._path:
            self._href, self._text = href, ""
            self._currency = given.get("data-currency")
        elif tag == "i" or "k" in (given.get("class") or "").split():
            self._skipped = tag

    def handle_endtag(self, tag: str) -> None:
        """End a link: keep it, where a figure stands in it."""
        if tag == self._skipped:
            self._skipped = None
        if tag == "a" and self._href is not None:
            query = parse_qs(urlsplit(self._href).query, keep_blank_values=True)
            words = {word: tuple(values) for word, values in query.items()}
            text = self._text.strip()
            if re.match(r"-?\d", text):
                self.found.append(Linked(text, self._currency, words, self._href))
            self._href = None

    def handle_data(self, data: str) -> None:
        """Note a text, or the currency."""
        if self._href is None:
            return
        if self._skipped == "i":
            self._currency = data
        elif self._skipped is None:
            self._text += data
