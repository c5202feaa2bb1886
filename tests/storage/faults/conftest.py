"""Wiring: one server for all faults of a process; each test leaves it running."""

from collections.abc import Iterator

import pytest

from tests.storage.faults.servers import OwnServer, own_server


@pytest.fixture(scope="package")
def victim() -> Iterator[OwnServer]:
    """Give a server that may be killed, locked and filled, and is started again."""
    with own_server() as running:
        yield running
