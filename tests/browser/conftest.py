"""One browser for each module: its event loop must not outlive it in a worker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import MISSING, chromium, launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser, where there is one."""
    if chromium() is None:
        pytest.skip(MISSING)
    with launched() as found:
        yield found
