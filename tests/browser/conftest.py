"""One browser for each module: its event loop must not outlive it in a worker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import MISSING, chromium, launched
from tests.browser.serving import console_served
from tests.console.months import console_of, store_of_everything


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser, where there is one."""
    if chromium() is None:
        pytest.skip(MISSING)
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a console over a store with a bit of everything."""
    where = store_of_everything(tmp_path_factory.mktemp("console"))
    with console_of(where) as app, console_served(app) as address:
        yield address
