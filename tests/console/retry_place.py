"""A back office with a console beside it: plans are frozen and run there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from reconcile import ConsoleApp, Reconciler
from reconcile.codat.client.clients import CodatClient
from tests.console.browser import Browser
from tests.console.forms import form_in, sent
from tests.engines import url_at
from tests.retries.desk import RetryOffice, retry_office


class Place:
    """A back office with a console beside it, on one store."""

    def __init__(self, desk: RetryOffice, folder: Path) -> None:
        self.desk = desk
        self.url = url_at(folder / "books.db")

    def open(self) -> Reconciler:
        return Reconciler.open(self.url, now=lambda: self.desk.sandbox.now)

    @contextmanager
    def client(self, books: Reconciler) -> Iterator[CodatClient]:
        with httpx.Client(transport=self.desk.line) as http:
            yield CodatClient(
                http,
                sleep=lambda _: None,
                api_keys="key",
                record=books.record,
                now=lambda: self.desk.sandbox.now,
                chance=lambda: 0.5,
            )

    def console(
        self,
        actor: str | None = "Dana Whitfield",
        *,
        may_run: Callable[[str], bool] | None = lambda _: True,
        sends: bool = True,
        worksheet: Path | None = None,
    ) -> ConsoleApp:
        return ConsoleApp(
            self.open,
            lambda _: actor,
            may_run=may_run,
            send=self.client if sends else None,
            now=lambda: self.desk.sandbox.now,
            worksheet=worksheet,
        )

    def position(self) -> int:
        return self.desk.office.books.store.position()


@contextmanager
def place_at(folder: Path) -> Iterator[Place]:
    """Give an office with six expenses that may be sent again, and two that may not."""
    with retry_office(folder) as desk:
        desk.lock()
        desk.create(range(6))
        desk.settle()
        desk.unlock()
        desk.mend("period_locked")
        yield Place(desk, folder)


def frozen(browser: Browser) -> tuple[str, str]:
    """Freeze the plan; return its address and its page."""
    answer = sent(browser, form_in(browser.get("/retries").text, "/retries/plan"))
    assert answer.status_code == 303
    where = answer.headers["location"]
    return where, browser.get(where).text
