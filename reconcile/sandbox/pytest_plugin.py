"""Fixtures for teams that embed Codat: a sandbox, a client of it, a server of it.

pytest loads this file in every run, so it imports what it needs when a test asks.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from reconcile.sandbox import Sandbox


@pytest.fixture
def codat_sandbox() -> "Sandbox":
    """Give a Codat of the test's own; its time stands still until `advance`.

    A conftest may have a fixture of this name, with a scenario or settings; the other
    two fixtures then follow it.
    """
    from reconcile.sandbox import Sandbox  # noqa: PLC0415 - not before it is needed

    return Sandbox()


@pytest.fixture
def codat_client(codat_sandbox: "Sandbox") -> "Iterator[httpx.Client]":
    """Give a client of the sandbox at Codat's own address, with a key that passes."""
    import httpx  # noqa: PLC0415 - not before it is needed

    key = next(iter(codat_sandbox.settings.api_keys), "sandbox")
    with httpx.Client(
        transport=codat_sandbox.transport(),
        base_url="https://api.codat.io",
        headers={"Authorization": f"Basic {b64encode(key.encode()).decode()}"},
    ) as client:
        yield client


@pytest.fixture
def codat_server(codat_sandbox: "Sandbox") -> Iterator[str]:
    """Give the base URL of the sandbox behind a real port, with its time running."""
    from reconcile.sandbox.server import serving  # noqa: PLC0415 - needs the extra

    with serving(codat_sandbox) as url:
        yield url
