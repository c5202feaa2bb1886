"""A browser without a network: asks an ASGI app, and keeps its cookies."""

import asyncio
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import httpx
from starlette.types import ASGIApp

HOME = "http://127.0.0.1:8789"


class Browser:
    """Asks for pages one after another, as one browser does; it follows no redirect."""

    def __init__(self, app: ASGIApp, *, home: str = HOME) -> None:
        self._app = app
        self._home = home
        self.cookies = httpx.Cookies()

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Return the answer to a GET."""
        return self.ask("GET", path, **options)

    def post(
        self,
        path: str,
        fields: Mapping[str, str | list[str]] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Return the answer to a form."""
        return self.ask("POST", path, data=fields or {}, **options)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer to a request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=self._home, cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, **options)
                self.cookies = client.cookies
                return answer

        return asyncio.run(asked())


class Seen(HTMLParser):
    """What a page is made of: its links, its text, and whatever could act in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.elements: list[str] = []
        self.acting: list[str] = []
        self.ids: list[str] = []
        self._words: list[str] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """The text of the page, with single blanks."""
        return " ".join("".join(self._words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, and what of it could act."""
        given = dict(attrs)
        self.elements.append(tag)
        if tag not in _INLINE:
            self._words.append(" ")
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag in ("style", "iframe", "object", "embed", "base"):
            self.acting.append(tag)
        if tag == "meta" and "http-equiv" in given:
            self.acting.append(tag)
        if tag == "script" and "src" not in given:
            self.acting.append("script")
        for name, value in given.items():
            if name == "style" or name.startswith("on"):
                self.acting.append(f"{tag} {name}")
            if name in ("href", "src", "action") and ":" in str(value).split("/")[0]:
                self.acting.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self._words.append(data)


_INLINE = ("a", "b", "bdi", "code", "i", "small", "time")
"""Elements that part no words from those around them."""
