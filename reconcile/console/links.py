"""Where pages lead: every link begins at the place where the console is mounted."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import attrs
from starlette.routing import NoMatchFound, Router

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", re.ASCII).fullmatch
_CODED: Final = "~"
Query = Mapping[str, str | tuple[str, ...]]


@attrs.frozen
class Links:
    """The addresses of pages, below the path where the console is mounted."""

    router: Router
    root_path: str
    scope: Query = attrs.field(factory=dict)
    here: str = ""  # the path of the page that is asked for, in full

    def to(self, name: str, query: Query | None = None, /, **ids: str) -> str:
        """Return the address of a page; moments, customer and month go along.

        Raises:
            NoMatchFound: no page has that name.

        """
        parts = {key: id_in_path(value) for key, value in ids.items()}
        path = str(self.router.url_path_for(name, **parts))
        words = {**self.scope, **(query or {})}
        asked = urlencode({word: value for word, value in words.items() if value}, True)
        return self.root_path + path + (f"?{asked}" if asked else "")

    def now(self) -> str:
        """Return the address of this page without its moments: as it stands now."""
        words = {
            word: value
            for word, value in self.scope.items()
            if word not in ("as_of", "known_at")
        }
        return self.here + (f"?{urlencode(words, True)}" if words else "")

    def plain(self, name: str, /, **ids: str) -> str:
        """Return the address of a page without any query words."""
        return attrs.evolve(self, scope={}).to(name, **ids)

    def has(self, name: str, /, **ids: Any) -> bool:
        """Return whether there is a page of that name."""
        try:
            self.router.url_path_for(name, **ids)
        except NoMatchFound:
            return False
        return True


def id_in_path(text: str) -> str:
    """Return an id as one part of a path; what a path cannot carry is coded."""
    if _PLAIN(text):
        return text
    raw = text.encode("utf-8", "surrogatepass")
    return _CODED + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def id_from_path(part: str) -> str | None:
    """Return the id that a part of a path stands for; None where it stands for none."""
    if not part.startswith(_CODED):
        return part if "\0" not in part else None
    coded = part[len(_CODED) :]
    try:
        raw = base64.b64decode(
            coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True
        )
        text = raw.decode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        return None
    return text if "\0" not in text else None
