"""What the pages and the examples import: public names, and nothing from inside."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, ROOT, fences

PUBLIC = {"reconcile", "reconcile.sandbox"}
PAGES = sorted(
    path
    for path in (*DOCS.rglob("*.md"), *DOCS.rglob("*.py"), ROOT / "README.md")
    if "import reconcile" in path.read_text("utf-8")
    or "from reconcile" in path.read_text("utf-8")
)


def programs(page: Path) -> Iterator[str]:
    if page.suffix == ".py":
        yield page.read_text("utf-8")
        return
    yield from (fence.text for fence in fences(page) if fence.language == "python")


def imported(program: str) -> Iterator[str]:
    """Yield the modules of ours that a program imports."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_imports_public_modules_alone(page: Path) -> None:
    ours = {
        module
        for program in programs(page)
        for module in imported(program)
        if re.match(r"reconcile\b", module)
    }

    assert ours <= PUBLIC


def test_most_pages_with_a_program_are_looked_at() -> None:
    names = {page.name for page in PAGES}

    assert {"README.md", "live.py", "office.py", "talk-to-codat.md"} <= names
