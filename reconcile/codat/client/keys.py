"""API keys: several while they are being changed, and never where they can be read."""

import threading
from base64 import b64encode
from collections.abc import Generator, Sequence
from typing import Final

import httpx

from reconcile.errors import UsageError

KEYS_MAX: Final = 10  # Source: Codat docs, Authentication (read 2026-11-22)


class Key(httpx.Auth):
    """One API key, as what httpx signs a request with; it has no text to show.

    Source: Codat docs, Authentication: `Authorization: Basic base64(api key)`, with no
    colon behind the key, which is why it is not `httpx.BasicAuth`.
    """

    def __init__(self, key: str) -> None:
        if not key.strip() or not key.isascii() or not key.isprintable():
            raise UsageError("the API key is blank or not printable ASCII")
        self.__value = f"Basic {b64encode(key.strip().encode()).decode()}"

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Yield the request with the key on it."""
        request.headers["Authorization"] = self.__value
        yield request

    def __repr__(self) -> str:
        return "Key(…)"


class Keys:
    """The keys of an account, the one that worked last first. Of any thread."""

    def __init__(self, keys: str | Sequence[str]) -> None:
        given = [keys] if isinstance(keys, str) else [*keys]
        if not 1 <= len(given) <= KEYS_MAX:
            raise UsageError(
                f"{len(given)} API keys were given, expected 1 to {KEYS_MAX}"
            )
        self._ring = tuple(map(Key, given))
        self._lock = threading.Lock()

    def ring(self) -> tuple[Key, ...]:
        """Return every key, in the order to try them."""
        with self._lock:
            return self._ring

    def works(self, key: Key) -> None:
        """Try this key first from now on."""
        with self._lock:
            at = self._ring.index(key)
            self._ring = self._ring[at:] + self._ring[:at]

    def __repr__(self) -> str:
        return f"Keys({len(self._ring)})"
