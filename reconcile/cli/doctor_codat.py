"""What `doctor` asks of others: Codat's host, clock, key and quota; the endpoint."""

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import attrs
import httpx

from reconcile.cli.account import NO_KEY, host, shown
from reconcile.codat.client.account import utc_now
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.deadlines import within
from reconcile.codat.client.quota import Figures, Priority
from reconcile.codat.client.rerequests import Rerequests
from reconcile.codat.client.responses import opening
from reconcile.codat.headers import moment_told
from reconcile.codat.requests import companies_page
from reconcile.domain.instants import format_instant
from reconcile.endpoint import PATH
from reconcile.endpoint.answers import HEALTH_PATH
from reconcile.errors import CodatUnavailable, UsageError
from reconcile.health import Checked

CLOCK_SKEW_MAX_S: Final = 60.0  # webhooks are refused from 300 on
QUOTA_LEAST: Final = 0.1  # of a day's requests
TIMEOUT: Final = httpx.Timeout(10.0)
DEADLINE_S: Final = 20.0


@attrs.frozen
class _Heard:
    """What a host said when it was asked for anything at all."""

    status: int
    date: str
    seconds: float
    at: datetime


def checks_of_codat(api_key: str | None, base_url: str) -> Iterator[Checked]:
    """Yield what Codat's host says; nothing of it is stored."""
    try:
        url = host(base_url)
        heard = _asked(url)
    except (UsageError, httpx.HTTPError) as error:
        yield Checked("problem", "reachability", shown(_why(error)), _hint(error))
        for name in ("clock", "key", "quota"):
            yield Checked("skipped", name, "Codat was not reached")
        return
    text = f"{url} answers in {heard.seconds:.2f} s"
    yield Checked("ok", "reachability", text)
    yield _clock(heard)
    if not api_key:
        for name in ("key", "quota"):
            yield Checked("skipped", name, NO_KEY)
        return
    yield from _account(api_key, url)


def check_of_endpoint(url: str | None) -> Checked:
    """Return whether the webhook endpoint that a URL names is alive."""
    name = "endpoint"
    if url is None:
        return Checked("skipped", name, "--endpoint was not given")
    health = url.rstrip("/").removesuffix(PATH).removesuffix(HEALTH_PATH) + HEALTH_PATH
    try:
        heard = _asked(health)
    except (UsageError, httpx.HTTPError) as error:
        return Checked("problem", name, shown(_why(error)), _hint(error))
    if heard.status == 200:
        return Checked("ok", name, f"{shown(health)} answers {heard.status}")
    hint = "`reconcile serve` answers 200 there; a proxy may not pass it on"
    return Checked("problem", name, f"{shown(health)} answers {heard.status}", hint)


def _asked(url: str) -> _Heard:
    """Return what a URL answers to a GET without any key; no body is read.

    Raises:
        UsageError: it is no URL.
        httpx.HTTPError: nothing answers there.

    """
    began = time.monotonic()
    try:
        with opening():
            http = httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        with (
            http,
            within(DEADLINE_S) as call,
            http.stream(
                "GET",
                url,
                timeout=call.timeout(TIMEOUT),
                extensions={"trace": call.trace},
            ) as response,
        ):
            return _Heard(
                status=response.status_code,
                date=response.headers.get("date", ""),
                seconds=time.monotonic() - began,
                at=utc_now(),
            )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        raise UsageError(
            f"{url!r} is not a URL, expected http:// or https:// and a host"
        ) from error


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__


def _hint(error: Exception) -> str:
    """Return which step of connecting failed, by what is behind an error."""
    behind: BaseException | None = error
    while behind is not None:
        match behind:
            case socket.gaierror():
                return "the host name cannot be resolved: DNS, or a typo in the URL"
            case ssl.SSLError():
                return "TLS failed: the certificate, or a proxy with its own"
            case httpx.TimeoutException():
                return "no answer in time: a firewall, or a proxy that is not set"
            case ConnectionRefusedError():
                return "no server listens there"
            case _:
                behind = behind.__cause__ or behind.__context__
    return ""


def _clock(heard: _Heard) -> Checked:
    theirs = moment_told(heard.date, now=heard.at)
    if theirs is None:
        return Checked("skipped", "clock", "the answer has no readable Date header")
    skew_s = (heard.at - theirs).total_seconds()
    if abs(skew_s) <= CLOCK_SKEW_MAX_S:
        return Checked("ok", "clock", f"within {CLOCK_SKEW_MAX_S:.0f} s of Codat's")
    side = "ahead of" if skew_s > 0 else "behind"
    text = f"{abs(skew_s):.0f} s {side} Codat's"
    hint = "set this machine's clock: webhooks are refused when it is off"
    return Checked("problem", "clock", text, hint)


def _account(api_key: str, url: str) -> Iterator[Checked]:
    """Yield what one read with the key says of it, and of the quota."""
    try:
        with CodatClient.connected(
            api_keys=api_key,
            base_url=url,
            record=lambda _: None,  # it tells nothing of any sync
            rerequests=Rerequests(attempts_max=1),
            timeout=TIMEOUT,
            deadline_s=DEADLINE_S,
        ) as client:
            answer = client.ask(companies_page(page_size=1), priority=Priority.WEBHOOK)
            yield _key(answer.status)
            yield _quota(client.figures())
    except (CodatUnavailable, UsageError) as error:
        yield Checked("problem", "key", shown(str(error)))
        yield Checked("skipped", "quota", "no answer gave its figures")


def _key(status: int) -> Checked:
    if 200 <= status < 300:
        return Checked("ok", "key", "Codat accepts it")
    hint = "Codat's portal lists the valid keys" if status in (401, 403) else ""
    return Checked("problem", "key", f"Codat refuses it with {status}", hint)


def _quota(figures: Figures) -> Checked:
    if not figures.learnt:
        return Checked("skipped", "quota", "the answer does not give its figures")
    until = format_instant(figures.resets_at)
    text = f"{figures.remaining} of {figures.limit} requests left until {until}"
    if figures.remaining >= figures.limit * QUOTA_LEAST:
        return Checked("ok", "quota", text)
    hint = "the rest is reserved for webhooks; another client may be polling"
    return Checked("problem", "quota", text, hint)
