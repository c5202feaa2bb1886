"""A page of the report, read back: its tables, headings and attributes."""

from collections.abc import Iterable
from html.parser import HTMLParser

VOID = {"meta", "br", "use", "path", "rect", "circle"}


class ReadPage(HTMLParser):
    """What a reader sees of a page, and what a browser is given."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []  # tag, name, value
        self.headings: list[tuple[int, str]] = []
        self.tables: list[list[list[str]]] = []  # tables of rows of cells
        self.of_sections: list[str] = []  # the section of each table
        self.style = ""
        self._texts: list[str] = []
        self._open: list[str] = []
        self._section = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h1", "h2", "h3"}:
            self.headings.append((int(tag[1]), ""))
        elif tag == "section":
            self._section = dict(attrs).get("id") or ""
        elif tag == "table":
            self.tables.append([])
            self.of_sections.append(self._section)
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        elif tag in {"br", "span", "code"}:
            self.handle_data(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin and end an element of a drawing."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """End an element; each that was begun is ended, in order."""
        if tag in VOID:
            return
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Take text to where it stands."""
        if self._open and self._open[-1] == "style":
            self.style += data
            return
        self._texts.append(data)
        if {"td", "th"} & {*self._open}:
            self.tables[-1][-1][-1] += data
        elif {"h1", "h2", "h3"} & {*self._open}:
            level, text = self.headings[-1]
            self.headings[-1] = level, text + data

    @property
    def text(self) -> str:
        """Return all that is read, without the style."""
        return "".join(self._texts)

    def table(self, section: str) -> list[list[str]]:
        """Return the first table of a section: rows of cells, blanks made single."""
        place = self.of_sections.index(section)
        return [[" ".join(cell.split()) for cell in row] for row in self.tables[place]]

    def rows(self, section: str) -> list[list[str]]:
        """Return the rows of expenses in a section's tables, heads left out."""
        return [
            [" ".join(cell.split()) for cell in row]
            for table, name in zip(self.tables, self.of_sections, strict=True)
            if name == section
            for row in table[1:]
            if len(row) > 1
        ]


def read_page(pieces: Iterable[bytes]) -> ReadPage:
    """Return a page that was read back; everything in it is closed."""
    page = ReadPage()
    page.feed(b"".join(pieces).decode())
    page.close()
    assert page._open == []
    return page
