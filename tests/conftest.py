"""Wiring: Hypothesis profiles, and a store of each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reconcile import Reconciler
from tests.engines import ENGINES, new_store, using

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=1000)
settings.load_profile("ci")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the name of each engine in turn; `url_in` names stores of it."""
    name: str = request.param
    with using(name):
        yield name


@pytest.fixture
def store_url(engine: str, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty store, of each engine in turn."""
    with new_store(engine, tmp_path) as url:
        yield url


@pytest.fixture
def books(store_url: str) -> Iterator[Reconciler]:
    """Give a reconciler on an empty store, of each engine in turn."""
    with Reconciler.open(store_url) as opened:
        yield opened
