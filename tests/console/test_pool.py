"""Books are opened when needed, never shared at one time, and closed at the end."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from reconcile import ConsoleApp, Reconciler, StoreError
from reconcile.console.pool import BooksPool
from tests.builders import COMPANY
from tests.console.stores import STORY, store_with


class Counted(Reconciler):
    """A reconciler that notes when it is opened, used and closed."""

    opened = 0
    closed = 0

    def __enter__(self) -> "Counted":
        type(self).opened += 1
        return self

    def close(self) -> None:
        """Note it, and release the store."""
        type(self).closed += 1
        super().close()


@pytest.fixture
def where(tmp_path: Path) -> str:
    Counted.opened = Counted.closed = 0
    return store_with(tmp_path, STORY)


def test_no_two_threads_have_one_reconciler_at_one_time(where: str) -> None:
    pool = BooksPool(lambda: Counted.open(where), most=3)
    in_use: set[int] = set()
    lock = threading.Lock()

    def use(_: int) -> None:
        with pool.borrowed() as books:
            with lock:
                assert id(books) not in in_use
                in_use.add(id(books))
            books.store.position()
            with lock:
                in_use.remove(id(books))

    with ThreadPoolExecutor(8) as threads:
        assert len([*threads.map(use, range(100))]) == 100
    pool.close()

    assert 1 <= Counted.opened <= 3
    assert Counted.closed == Counted.opened


def test_books_in_which_the_store_failed_are_closed_and_opened_anew(where: str) -> None:
    pool = BooksPool(lambda: Counted.open(where), most=1)

    def fail() -> None:
        with pool.borrowed():
            raise StoreError("gone")

    with pytest.raises(StoreError):
        fail()
    with pool.borrowed() as books:
        assert books.store.position() > 0
    pool.close()

    assert (Counted.opened, Counted.closed) == (2, 2)


def test_many_requests_at_once_are_all_answered_alike(where: str) -> None:
    async def asked() -> list[int]:
        with ConsoleApp(lambda: Counted.open(where)) as app:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://books.example"
            ) as client:
                path = f"/expenses/{COMPANY}/t1"
                answers = await asyncio.gather(*(client.get(path) for _ in range(20)))
                return [answer.status_code for answer in answers]

    assert asyncio.run(asked()) == [200] * 20
    assert Counted.closed == Counted.opened <= 4


def test_the_end_of_a_lifespan_closes_the_store_and_a_later_request_opens_it(
    where: str,
) -> None:
    app = ConsoleApp(lambda: Counted.open(where))

    async def lived() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://books.example"
        ) as client:
            for _ in range(2):
                assert (await client.get("/health")).status_code == 200
                await _through_lifespan(app)

    asyncio.run(lived())

    assert (Counted.opened, Counted.closed) == (2, 2)


async def _through_lifespan(app: ConsoleApp) -> None:
    messages = iter(("lifespan.startup", "lifespan.shutdown"))
    answered: list[str] = []

    async def receive() -> dict[str, str]:
        return {"type": next(messages)}

    async def send(message: object) -> None:
        answered.append(dict(message)["type"])  # type: ignore[call-overload]  # ASGI's

    await app({"type": "lifespan"}, receive, send)
    assert answered == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
