"""The clients: what `attempts`, `rerequests` and `paging` decide, carried out by httpx.

The sync and the async one differ in how they wait, and in nothing else.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, closing, contextmanager
from typing import Self, Unpack, assert_never

import httpx

from reconcile.codat.bodies import BodyError
from reconcile.codat.client.account import Account, ClientSettings
from reconcile.codat.client.answers import Answer, Outcome
from reconcile.codat.client.attempts import Keep, Send, Step, Steps, Wait
from reconcile.codat.client.deadlines import Calls, within, within_async
from reconcile.codat.client.paging import PAGES_MAX, Paging, companies, transactions
from reconcile.codat.client.quota import Priority
from reconcile.codat.client.responses import TIMEOUT, missing, opening
from reconcile.codat.requests import PAGE_SIZE_MAX, Request


class CodatClient(Account[Answer]):
    """A client of one Codat account. The caller owns `http` and closes it.

    Every exchange goes to `record`, each attempt of it, before its result is told; what
    `record` raises, the caller gets. As safe to share among threads as `record` is.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        sleep: Callable[[float], None] = time.sleep,
        **settings: Unpack[ClientSettings],
    ) -> None:
        super().__init__(**settings)
        self._http = http
        self._sleep = sleep
        self._calls = Calls()

    @classmethod
    @contextmanager
    def connected(
        cls,
        *,
        sleep: Callable[[float], None] = time.sleep,
        **settings: Unpack[ClientSettings],
    ) -> Iterator[Self]:
        """Yield a client with connections of its own, closed at the end.

        Raises:
            UsageError: the environment's proxies or certificates are of no use.

        """
        with opening():
            http = httpx.Client(timeout=settings.get("timeout", TIMEOUT))
        with http:
            yield cls(http, sleep=sleep, **settings)

    def stop(self) -> None:
        """End every call that is under way, from any thread, and send nothing more.

        What was asked raises `CodatUnavailable`, and is recorded as usual.
        """
        self._calls.stop()

    def ask(self, request: Request, *, priority: Priority | None = None) -> Answer:
        """Return the answer to a request: Codat accepted it, or refused it.

        Sent again only where that is safe: `codat/client/rerequests.py` has the rules.

        Raises:
            CodatUnavailable: no usable answer came; it says whether to send again.

        """
        return self._run(self._steps(request, priority))

    def transaction_pages(
        self,
        company_id: str,
        sync_id: str,
        *,
        first: int = 1,
        page_size: int = PAGE_SIZE_MAX,
        pages_max: int = PAGES_MAX,
        priority: Priority | None = None,
    ) -> Iterator[Answer]:
        """Yield every page of a sync's transactions, by number, from `first` on.

        Raises:
            CodatUnavailable: no usable answer; pages yielded before stay valid, and
                `first` goes on behind them.
            PayloadError: a page is not of the documented shape.

        """
        return self._pages(
            transactions(
                company_id, sync_id, first=first, page_size=page_size, most=pages_max
            ),
            priority,
        )

    def companies(self, *, page_size: int = PAGE_SIZE_MAX) -> Iterator[Answer]:
        """Yield every page of the account's companies; raises as the other does."""
        return self._pages(companies(page_size=page_size), None)

    def _pages(self, paging: Paging, priority: Priority | None) -> Iterator[Answer]:
        while (request := paging.next()) is not None:
            answer = self.ask(request, priority=priority)
            paging.take(answer)
            yield answer

    def _run(self, steps: Steps[Answer]) -> Answer:
        """Carry out a request's steps; they are told of failures, and raise them."""
        result: Outcome | None = None
        failure: BaseException | None = None
        while True:
            try:
                step = steps.throw(failure) if failure else steps.send(result)
            except StopIteration as ended:
                answer: Answer = ended.value
                return answer
            result = failure = None
            try:
                result = self._done(step)
            except BaseException as error:  # noqa: BLE001 - the steps raise it again
                failure = error

    def _done(self, step: Step) -> Outcome | None:
        match step:
            case Wait():
                self._sleep(step.seconds)
            case Keep():
                self._record(step.exchange)
            case Send():
                return self._sent(step)
            case _:
                assert_never(step)
        return None

    def _sent(self, send: Send) -> Outcome:
        try:
            with within(self.deadline_s, self._calls) as call:
                response = self._http.send(
                    self._built(self._http, send, call),
                    auth=send.key,
                    stream=True,
                    follow_redirects=False,
                )
                with closing(response):
                    reading = self._reading(response, call)
                    read = reading.is_read(response)
                    for piece in response.iter_bytes() if read else response.iter_raw():
                        reading.feed(piece)
                    return reading.whole()
        except (httpx.TransportError, BodyError) as error:
            return missing(error)


class AsyncCodatClient(Account[Awaitable[Answer]]):
    """A client of one Codat account, for an event loop. The caller owns `http`.

    As `CodatClient`; what `record` returns is awaited where it can be, so that a store
    need not block the loop. A task that is cancelled while a request is under way has
    recorded that its answer was lost.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        **settings: Unpack[ClientSettings],
    ) -> None:
        super().__init__(**settings)
        self._http = http
        self._sleep = sleep

    @classmethod
    @asynccontextmanager
    async def connected(cls, **settings: Unpack[ClientSettings]) -> AsyncIterator[Self]:
        """Yield a client with connections of its own, closed at the end."""
        with opening():
            http = httpx.AsyncClient(timeout=settings.get("timeout", TIMEOUT))
        async with http:
            yield cls(http, **settings)

    async def ask(
        self, request: Request, *, priority: Priority | None = None
    ) -> Answer:
        """Return the answer to a request; raises as `CodatClient.ask` does."""
        return await self._run(self._steps(request, priority))

    def transaction_pages(
        self,
        company_id: str,
        sync_id: str,
        *,
        first: int = 1,
        page_size: int = PAGE_SIZE_MAX,
        pages_max: int = PAGES_MAX,
        priority: Priority | None = None,
    ) -> AsyncIterator[Answer]:
        """Yield every page of a sync's transactions, as `CodatClient` does."""
        return self._pages(
            transactions(
                company_id, sync_id, first=first, page_size=page_size, most=pages_max
            ),
            priority,
        )

    def companies(self, *, page_size: int = PAGE_SIZE_MAX) -> AsyncIterator[Answer]:
        """Yield every page of the account's companies."""
        return self._pages(companies(page_size=page_size), None)

    async def _pages(
        self, paging: Paging, priority: Priority | None
    ) -> AsyncIterator[Answer]:
        while (request := paging.next()) is not None:
            answer = await self.ask(request, priority=priority)
            paging.take(answer)
            yield answer

    async def _run(self, steps: Steps[Answer]) -> Answer:
        """Carry out a request's steps; they are told of failures, and raise them."""
        result: Outcome | None = None
        failure: BaseException | None = None
        while True:
            try:
                step = steps.throw(failure) if failure else steps.send(result)
            except StopIteration as ended:
                answer: Answer = ended.value
                return answer
            result = failure = None
            try:
                result = await self._done(step)
            except BaseException as error:  # noqa: BLE001 - the steps raise it again
                failure = error

    async def _done(self, step: Step) -> Outcome | None:
        match step:
            case Wait():
                await self._sleep(step.seconds)
            case Keep():
                recording = self._record(step.exchange)
                if inspect.isawaitable(recording):
                    await recording
            case Send():
                return await self._sent(step)
            case _:
                assert_never(step)
        return None

    async def _sent(self, send: Send) -> Outcome:
        try:
            async with within_async(self.deadline_s) as call:
                response = await self._http.send(
                    self._built(self._http, send, call),
                    auth=send.key,
                    stream=True,
                    follow_redirects=False,
                )
                async with aclosing(response):
                    reading = self._reading(response, call)
                    read = reading.is_read(response)
                    pieces = response.aiter_bytes() if read else response.aiter_raw()
                    async for piece in pieces:
                        reading.feed(piece)
                    return reading.whole()
        except (httpx.TransportError, BodyError) as error:
            return missing(error)
