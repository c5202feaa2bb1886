"""Wiring: Hypothesis profiles, a store of each engine, workers."""

from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest
from hypothesis import settings

from reconcile import Processes, Reconciler
from tests.engines import ENGINES, new_store, using

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=600)
settings.load_profile("ci")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the name of each engine in turn; `url_at` names stores of it."""
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


@pytest.fixture(scope="session")
def processes() -> Iterator[Executor]:
    """Give two worker processes, for all tests that only use them."""
    with Processes(2) as executor:
        yield executor


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Give the address of a Dask scheduler with two workers, as a command line's."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=":0",
        worker_dashboard_address=None,
    ) as local:
        yield local.scheduler_address.replace("tcp://", "dask://")
