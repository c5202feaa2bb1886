"""Wiring: a store of expenses that failed alike; consoles are closed at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from tests.console.deciding import LOCKED_13
from tests.console.stores import OPEN, url_in


@pytest.fixture(autouse=True)
def closed_consoles() -> Iterator[None]:
    """Close what the test has opened."""
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture
def where(tmp_path: Path) -> str:
    """Return the URL of a store whose expenses failed for one cause."""
    url = url_in(tmp_path)
    with Reconciler.open(url) as books:
        books.ingest(read_lines(LOCKED_13))
    return url
