"""The console as an ASGI app: a host mounts it where it likes, and says who asks."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from urllib.parse import quote
from zoneinfo import ZoneInfo

import attrs
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from reconcile.codat.client.account import utc_now
from reconcile.console import problems, safety, static_files
from reconcile.console.asking import asking
from reconcile.console.links import Links
from reconcile.console.pages import PAGES
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.pool import BooksBusyError, BooksPool
from reconcile.console.problems import PageError
from reconcile.console.retrying.runs import ClientFor, Retrying
from reconcile.console.retrying.sent import sent_by
from reconcile.console.settings import ConsoleSettings, Customers, Templates
from reconcile.console.sheet import Sheet
from reconcile.console.sheets import Worksheets
from reconcile.console.works import StillCounting, Works
from reconcile.errors import HistoryError
from reconcile.foreign import one_line
from reconcile.reconciler import Reconciler
from reconcile.report.html.figures import known_zone

COOKIE: Final = "reconcile_browser"
_log: Final = logging.getLogger("reconcile.console")


class ConsoleApp:
    """The pages for finance and operations over one store, as an ASGI app.

    `open` is the URL of a store, or a callable that opens a `Reconciler`, which is
    called once for each that is needed at a time. `actor` gives the name of who asks,
    by whatever signed them in; None for somebody who may only read. `may_run` says
    whether an actor may send plans to Codat, and `send` gives the client to send with,
    as a context, for books that it is to record in; without both, pages show the
    command that runs a plan. `customers` gives companies their names,
    `zone` is an IANA name of a zone that moments are shown in beside UTC. Processes
    that serve together need one `secret`, which their forms are signed with.
    `worksheet` is where figures are laid out to be read, a scratch file that may be
    thrown away, as may the folder of frozen plans beside it; without it, a temporary
    one, and plans that no other process has.

    It opens the store when it is first asked, and closes it with the host's lifespan,
    with `close`, or at the end of a `with`.
    """

    pages: ClassVar[tuple[Page, ...]] = PAGES

    def __init__(
        self,
        open: str | Callable[[], Reconciler],  # noqa: A002 - what it does
        actor: Callable[[Request], str | None] | None = None,
        *,
        may_run: Callable[[str], bool] | None = None,
        send: ClientFor | None = None,
        customers: Customers | None = None,
        zone: str | ZoneInfo | None = None,
        title: str = "reconcile",
        secret: bytes | None = None,
        worksheet: str | Path | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        opener = open if callable(open) else _opener_of(open)
        self._books = BooksPool(opener)
        scratch = None if worksheet is None else Path(worksheet)
        self._worksheets = Worksheets(opener, scratch)
        self._works = Works(opener)
        self._actor = actor
        self._forms = safety.Forms(secret)
        found = known_zone(zone) if isinstance(zone, str) else zone
        self._settings = ConsoleSettings(
            title=title,
            templates=Templates.of(found),
            customers={} if customers is None else customers,
            now=now,
            retrying=Retrying(
                opener,
                send=send,
                may_run=may_run,
                now=now,
                plans=scratch and scratch.with_name(f"{scratch.name}.plans"),
            ),
            zone=found,
        )
        self._router = Router(
            [self._route(page) for page in self.pages], redirect_slashes=False
        )
        self._router.routes.append(
            Route("/static/{digest}/{name}", _static, methods=["GET"], name="static")
        )
        self._answers = safety.SafeAnswers(self._answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait for pages and runs that are under way, and release the store."""
        self._settings.retrying.close()
        self._books.close()
        self._works.close()
        self._worksheets.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; close the store at the end of a lifespan."""
        match scope["type"]:
            case "http":
                await self._answers(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1000})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(self.close)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by its page, or by the page of what is wrong with it."""
        scope = {**scope, "app": self}
        scope.pop("router", None)  # a host's own, where it is mounted
        begun = False

        async def noted(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._routed(scope, receive, noted)
        except Exception as error:
            problem = _problem_of(error, is_form=scope["method"] not in safety.READS)
            if begun:
                raise
            _noted(error, problem)
            await self.problem_page(problem, scope)(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a request to its page; a form is read first, within its bounds."""
        if scope["method"] not in safety.METHODS:
            raise _not_possible(safety.METHODS)
        if scope["method"] not in safety.READS:
            headers = Headers(scope=scope)
            scope["reconcile.form"] = await safety.form_of(headers, receive)
        if scope["path"] == scope.get("root_path", "") != "":
            home = RedirectResponse(f"{scope['root_path']}/", 308)
            await home(scope, receive, send)
            return
        await self._router(scope, receive, send)

    def _actor_of(self, request: Request) -> str | None:
        return None if self._actor is None else self._actor(request)

    def problem_page(
        self, problem: PageError, scope: Scope, *, bare: bool = False
    ) -> Response:
        """Return the page of what is wrong with a request; `bare`: with no links."""
        settings = self._settings
        links = Links(self._router, _root_of(scope))
        is_form = scope["method"] not in safety.READS
        html = settings.templates.problem(
            problem,
            headline=problems.headline_of(problem, is_form=is_form),
            title=settings.title,
            links=links,
            bare=bare,
        )
        headers = {"allow": ", ".join(problem.allow)} if problem.allow else None
        return Response(html, problem.status, headers=headers, media_type="text/html")

    def _route(self, page: Page) -> Route:
        async def endpoint(request: Request) -> Response:
            loop = asyncio.get_running_loop()
            answer = partial(self._page, page, request)
            return await loop.run_in_executor(self._books.threads(), answer)

        return Route(page.path, endpoint, methods=[page.method], name=page.name)

    def _page(self, page: Page, request: Request) -> Response:
        """Return a page's answer; it runs in a thread."""
        settings = self._settings
        asked = asking(request.url.query, known=page.words, now=settings.now())
        known = safety.browser_of(request.headers, COOKIE)
        browser = known or safety.new_browser()
        actor = self._actor_of(request)
        token = self._forms.token(browser, actor)
        form = request.scope.get("reconcile.form", {})
        is_form = request.method not in safety.READS
        if is_form:
            self._forms.check(request.headers, form, token)
        root_path = _root_of(request.scope)
        visit = Visit(
            settings=settings,
            request=request,
            asking=asked,
            links=Links(self._router, root_path, asked.scope(), _path_of(request)),
            actor=actor,
            token=token,
            form=form,
            glance=self._worksheets.breaks,
        )
        with self._forms.alone(page.path, form) if is_form else nullcontext():
            response = self._viewed(page, visit)
        if known is None:
            https = request.url.scheme == "https"
            cookie = safety.set_cookie(COOKIE, browser, path=root_path, https=https)
            response.headers.append("set-cookie", cookie)
        return response

    def _viewed(self, page: Page, visit: Visit) -> Response:
        """Return a page's answer; or, where that takes long, one that asks again."""
        try:
            with ExitStack() as opened, self._books.borrowed() as books:

                def sheet_at(
                    as_of: datetime | None, known_at: datetime | None
                ) -> Sheet:
                    reading = self._worksheets.reading(as_of, known_at)
                    sheet = opened.enter_context(reading)
                    return sheet.knowing(partial(sent_by, books, sheet))

                asked = visit.asking
                sheet = (
                    sheet_at(asked.as_of, asked.known_at) if page.reads_sheet else None
                )
                return page.view(
                    attrs.evolve(
                        visit,
                        lent=books,
                        read=sheet,
                        sheets=sheet_at,
                        works=self._works,
                    )
                )
        except StillCounting:
            if page.method not in safety.READS:  # a form is not sent a second time
                with self._books.borrowed() as books:
                    return page.view(attrs.evolve(visit, lent=books))
            response = visit.page("waiting.html", status=202)
            response.headers["retry-after"] = response.headers["refresh"] = "2"
            return response


def _opener_of(url: str) -> Callable[[], Reconciler]:
    """Return what opens the store of a URL, which must be there."""
    return lambda: Reconciler.open(url, create=False)


async def _static(request: Request) -> Response:
    return static_files.answer(**request.path_params)


def _path_of(request: Request) -> str:
    """Return the path that is asked for, as a link to it says it."""
    return quote(request.scope["path"], safe=_AS_IT_IS)


def _root_of(scope: Scope) -> str:
    """Return the path where the console is mounted, as links begin with it."""
    return quote(scope.get("root_path", "").rstrip("/"), safe=_AS_IT_IS)


_AS_IT_IS: Final = "/:@!$&'()*+,;=~-._"


def _problem_of(error: Exception, *, is_form: bool) -> PageError:
    """Return what a reader is told of an error: nothing of its insides."""
    match error:
        case PageError():
            return error
        case HTTPException(status_code=404):
            return PageError(404, problems.NO_SUCH_PAGE)
        case HTTPException(status_code=405):
            return _not_possible(_allowed(error.headers or {}))
        case BooksBusyError():
            return PageError(503, problems.BUSY)
        case HistoryError() if is_form:
            return PageError(503, problems.STORE_UNREADABLE_FOR_FORMS)
        case HistoryError():
            return PageError(503, problems.STORE_UNREADABLE)
        case _:
            return PageError(500, problems.OURS)


def _noted(error: Exception, problem: PageError) -> None:
    """Log what a reader is not told; an address may have the words of others."""
    if problem.status == 500:
        _log.error("a page failed", exc_info=error)
    elif problem.status == 503:
        _log.warning("a page was answered 503: %s", one_line(str(error) or "busy"))


def _allowed(headers: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(headers.get("Allow", "").replace(",", " ").split()))


def _not_possible(allowed: tuple[str, ...]) -> PageError:
    listed = ", ".join(allowed)
    return PageError(405, f"This address answers {listed} only.", allow=allowed)
