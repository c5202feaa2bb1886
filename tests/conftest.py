"""Wiring: Hypothesis profiles and a store in a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reconcile import Reconciler

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=1000)
settings.load_profile("ci")


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Reconciler]:
    """Give a reconciler on an empty store."""
    with Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as opened:
        yield opened
