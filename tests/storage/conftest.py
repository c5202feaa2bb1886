"""What a store promises is held against every engine, and every role that uses it."""

from collections.abc import Iterator

import pytest

from reconcile.storage.opening import open_store
from reconcile.storage.ports import Store
from tests.engines import ENGINES, WRITER, using


@pytest.fixture(name="engine", params=[*ENGINES, WRITER])
def engine_and_role(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the name of each engine in turn, and of PostgreSQL's writer role."""
    name: str = request.param
    with using(name):
        yield name


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Give an empty store, open."""
    with open_store(store_url, create=True) as opened:
        yield opened
