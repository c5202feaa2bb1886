"""Wiring: consoles are closed at the end of their test."""

from collections.abc import Iterator

import pytest

from tests.console.stores import OPEN


@pytest.fixture(autouse=True)
def closed_consoles() -> Iterator[None]:
    """Close what the test has opened."""
    yield
    while OPEN:
        OPEN.pop().close()
