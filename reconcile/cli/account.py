"""How a command reaches the Codat account: its key, its host, and words for trouble."""

import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs
import click
import httpx

from reconcile.codat.client.account import BASE_URL
from reconcile.codat.client.answers import Answer
from reconcile.codat.client.attempts import checked_url
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.keys import Keys
from reconcile.codat.client.rerequests import Rerequests
from reconcile.codat.read import read
from reconcile.domain.observations import WriteUnsettled
from reconcile.errors import (
    BusyError,
    CodatUnavailable,
    InDoubtError,
    PayloadError,
    ReconcileError,
    StoreError,
    UsageError,
)
from reconcile.foreign import one_line
from reconcile.reconciler import Reconciler

FOLLOWER_TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)  # seconds: it comes again
FOLLOWER_DEADLINE_S: Final = 30.0
_Command = TypeVar("_Command", bound=Callable[..., Any])


def account_options(command: _Command) -> _Command:
    """Give a command the options that say which account it is of."""
    key = click.option(
        "--api-key",
        envvar="CODAT_API_KEY",
        metavar="K",
        help="Codat's API key; better set as CODAT_API_KEY.",
    )
    url = click.option(
        "--base-url",
        envvar="CODAT_BASE_URL",
        default=BASE_URL,
        show_default=True,
        metavar="URL",
        help="Codat's API.",
    )
    return key(url(command))


NO_KEY: Final = "no API key was given, expected --api-key or CODAT_API_KEY"


@attrs.frozen
class Access:
    """A key and a host that were found to be of use; the key is never shown."""

    api_key: str = attrs.field(repr=False)
    base_url: str

    @contextmanager
    def client(self, books: Reconciler) -> Iterator[CodatClient]:
        """Yield a client that records every exchange in the books."""
        with CodatClient.connected(
            api_keys=self.api_key, base_url=self.base_url, record=books.record
        ) as client:
            yield client

    @contextmanager
    def client_until(
        self, stop: threading.Event, books: Reconciler
    ) -> Iterator[CodatClient]:
        """Yield a client for a follower, which waits for nothing that can be stopped.

        The follower comes again by itself, so no request is repeated at once.
        """

        def sleep(seconds: float) -> None:
            if stop.wait(seconds):
                raise CodatUnavailable("it was stopped", safe_to_resend=True)

        with CodatClient.connected(
            api_keys=self.api_key,
            base_url=self.base_url,
            record=books.record,
            rerequests=Rerequests(attempts_max=1),
            timeout=FOLLOWER_TIMEOUT,
            deadline_s=FOLLOWER_DEADLINE_S,
            sleep=sleep,
        ) as client:
            yield client


def access(api_key: str | None, base_url: str) -> Access:
    """Return how to reach the account, before anything is opened or sent.

    Raises:
        UsageError: there is no key, or the key or the URL is none.

    """
    if not api_key:
        raise UsageError(NO_KEY)
    Keys(api_key)
    return Access(api_key, host(base_url))


def host(base_url: str) -> str:
    """Return the URL of the account's host.

    Raises:
        UsageError: it is more than a host, or names none that there can be.

    """
    url = checked_url(base_url)
    try:
        urlsplit(url).netloc.encode("idna")
    except UnicodeError as error:
        raise UsageError(
            "the base URL has a host that cannot exist, expected one such as"
            " api.codat.io"
        ) from error
    return url


def accepted(answer: Answer, name: str) -> str:
    """Return the id that an accepted write names.

    Raises:
        UsageError: Codat refused it; the sentence has Codat's words.
        PayloadError: Codat accepted it, and names none.

    """
    if not answer.accepted:
        words = _words(answer)
        reason = f": {shown(words)}" if words else ""
        raise UsageError(f"Codat refused it with {answer.status}{reason}")
    return answer.named(name)


def _words(answer: Answer) -> str | None:
    found = read(answer.exchange)
    observations = () if found is None else found.observations()
    return next((o.words for o in observations if isinstance(o, WriteUnsettled)), None)


def sentence(error: ReconcileError, company_id: str, *, writes: bool = True) -> str:
    """Return what went wrong with a write, and what to do about it.

    `writes`: it would have changed the accounting software, as a pushed dataset does
    not.
    """
    words = ["reconcile", "sync", "--company", company_id, "--recover"]
    recover = shown(shlex.join(words))
    match error:
        case CodatUnavailable(safe_to_resend=True):
            return f"{error}; nothing was carried out, so it may be made again"
        case CodatUnavailable() | PayloadError() if not writes:
            return f"{error}; a dataset nobody syncs does nothing, so push again"
        case CodatUnavailable() | PayloadError():
            doubt = "whether it was carried out is in doubt"
            return f"{error}; {doubt}: `{recover}` finds out"
        case StoreError():
            doubt = "if a call was made, what came of it is in doubt"
            return f"{error}; {doubt}: `{recover}` finds out"
        case InDoubtError():
            return f"{error}: `{recover}` finds out"
        case BusyError():
            return f"{error}: try again when `reconcile follow --once` has read its end"
        case _:
            return str(error)


_SHOWN_MAX = 1000


def shown(text: str) -> str:
    """Return text of others' as one line of bounded length."""
    safe = one_line(text[:_SHOWN_MAX])
    return safe if len(text) <= _SHOWN_MAX else f"{safe}…"
