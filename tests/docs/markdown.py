"""Markdown as the tests read it: sections by heading, tables, fenced blocks."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


class Fence(NamedTuple):
    """A fenced block: its language and its lines as one text."""

    language: str
    text: str


def fences(document: Path) -> list[Fence]:
    """Return a document's fenced blocks, in order."""
    found = re.findall(
        r"^```(\w*)\n(.*?)^```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return [Fence(language, text) for language, text in found]


def sections(document: Path) -> dict[str, str]:
    """Return the text under each heading, of whatever depth, up to the next one."""
    plain = re.sub(
        r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    parts = re.split(r"^#+ (.*)$", plain, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def quoted(text: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def first_cells(section: str) -> list[str]:
    """Return the name in backticks that begins each row of a section's tables."""
    return re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)


def codes(section: str) -> set[str]:
    """Return everything that begins a table's row, without arguments of options."""
    return {cell.split(" ")[0] for cell in first_cells(section)}
