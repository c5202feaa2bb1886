"""Wiring: Hypothesis profiles, and a store of each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reconcile import Reconciler
from tests.engines import ENGINES, new_store

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=1000)
settings.load_profile("ci")


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty store, of each engine in turn."""
    with new_store(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def books(store_url: str) -> Iterator[Reconciler]:
    """Give a reconciler on an empty store, of each engine in turn."""
    with Reconciler.open(store_url) as opened:
        yield opened
