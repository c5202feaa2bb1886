"""The overview: its figures add up, and each leads to exactly what it counts."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconcile import Reconciler
from reconcile.console.sheet import Sheet
from reconcile.console.worksheet import LiveWorksheet
from reconcile.domain.vocabulary import ItemState
from tests.console.browser import Browser, Seen
from tests.console.linked import Figures, Linked
from tests.console.months import (
    CUSTOMERS,
    HARROW,
    KITANO,
    MARKUP,
    MOREL,
    clock,
    console_of,
    store_of_everything,
)

SCOPES = [
    "",
    f"?customer={HARROW}",
    f"?customer={MOREL}&customer={KITANO}",
    "?month=2026-02",
    f"?month=2026-02&customer={KITANO}",
    "?as_of=2026-03-10T12:00:00Z",
    "?as_of=2026-03-23T12:00:00Z&month=2026-02",
    "?known_at=2999-01-01T00:00:00Z",
    "?all=customers",
]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a bit of everything."""
    return store_of_everything(tmp_path_factory.mktemp("months"))


@contextmanager
def sheet_of(where: str, figure: Linked) -> Iterator[Sheet]:
    """Give the worksheet of the moment that a figure's link asks for."""
