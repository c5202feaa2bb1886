"""The style sheet, script and icon: read once, at addresses that name their content."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from starlette.responses import Response

from reconcile.console.problems import NO_SUCH_PAGE, PageError

TYPES: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_DIGITS: Final = 16


@cache
def content(name: str) -> tuple[str, bytes]:
    """Return a file's content with the digest that its address has."""
    raw = files("reconcile.console").joinpath("static", name).read_bytes()
    return hashlib.sha256(raw).hexdigest()[:_DIGITS], raw


def address(root_path: str, name: str) -> str:
    """Return the address of a file, below the path where the console is mounted."""
    return f"{root_path}/static/{content(name)[0]}/{name}"


def answer(digest: str, name: str) -> Response:
    """Return a file, for a browser to keep.

    Raises:
        PageError: there is none of that name and content (404).

    """
    if name not in TYPES or content(name)[0] != digest:
        raise PageError(404, NO_SUCH_PAGE)
    headers = {"cache-control": _FOR_EVER, "content-type": TYPES[name]}
    return Response(content(name)[1], headers=headers)
