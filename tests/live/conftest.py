"""Wiring: a sandbox behind a port, and a desk that runs commands against it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconcile.sandbox import Settings
from tests.live.commands import KEY, Desk, Losing, desk_at, expenses
from tests.sandbox.calls import COMPANY


@pytest.fixture
def codat() -> Losing:
    now = datetime.now(UTC)  # as the command's own clock has it
    created = Losing(settings=Settings(api_keys=(KEY,), strict=True), now=now)
    created.company(COMPANY)
    return created


@pytest.fixture
def desk(codat: Losing, tmp_path: Path) -> Iterator[Desk]:
    with desk_at(codat, tmp_path) as created:
        created.write("a.json", expenses(3))
        yield created
