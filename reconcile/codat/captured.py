"""A captured request and its answer, put together: what is kept of both. Pure.

An answer that did not come whole never hides its request: it counts as lost.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from reconcile.codat.captured_bodies import CapturedBody, body_of, packed_with
from reconcile.codat.exchange import TOO_MANY, Attached, Exchange
from reconcile.codat.freshness import made_at
from reconcile.codat.headers import Headers, count_told, header, pairs_in
from reconcile.codat.jsons import clean_text
from reconcile.codat.routes import route_of
from reconcile.codat.scrubbing import is_like_a_time, kept_of_pairs
from reconcile.domain.instants import a_clock_shows, clock_moment
from reconcile.errors import PayloadError

REDIRECTS: Final = (301, 302, 307, 308)
"""What the caller then sends elsewhere: this request did nothing."""


@attrs.frozen(kw_only=True)
class CapturedRequest:
    """A request that can be read; `method` in capitals, header names in any case."""

    method: str
    url: str
    headers: Headers
    body: bytes | None


@attrs.frozen(kw_only=True)
class CapturedAnswer:
    """An answer as far as it can be read; `status` 0: it was lost."""

    status: int
    headers: Headers
    content: CapturedBody | None
    failed: bool  # the capture says that the answer did not come whole
    cached: bool  # the capture says that it came from a cache
    size: float | None = None  # of its body, in bytes; below 0: not known


def exchange_of(
    *,
    request: CapturedRequest,
    answer: CapturedAnswer,
    observed: datetime,
    where: str,
    attached: Attached,
) -> Exchange:
    """Return the exchange of a request that is whole, whatever came of its answer.

    Raises:
        PayloadError: the answer is a cache's copy, and nothing says of when.

    """
    body, dropped_why, dropped = _answer_body(answer, attached)
    status = 0 if answer.failed and not body else answer.status
    packing = packed_with(body, header(answer.headers, "content-encoding"))
    read = request.method == "GET" and 200 <= status < 300
    if read and (answer.cached or answer.headers) and _is_call(request):
        observed = made_at(observed, answer.headers, from_cache=answer.cached)
    return Exchange(
        method=request.method,
        url=request.url,
        request_headers=request.headers,
        request_body=request.body,
        status=status,
        response_headers=_kept_of_answer(status, answer.headers, packing),
        response_body=body,
        body_dropped=dropped and status != 0,
        dropped_why=dropped_why,
        observed_at=observed,
        where=where,
    )


def _is_call(request: CapturedRequest) -> bool:
    return route_of(request.method, request.url) is not None


def _answer_body(
    answer: CapturedAnswer, attached: Attached
) -> tuple[bytes | None, str, bool]:
    """Return the answer's body, why it cannot be had, and whether there was one."""
    content = answer.content
    if content is None:
        return None, "", _left_out(answer)
    try:
        body = body_of(
            content,
            packing=header(answer.headers, "content-encoding"),
            attached=attached,
            path="response.content",
        )
    except PayloadError as error:
        return None, str(error), True
    return body, "", body is None and ((content.size or 0) > 0 or _left_out(answer))


def _left_out(answer: CapturedAnswer) -> bool:
    """Return whether a refusal without a body had one: its words matter."""
    if answer.status < _REFUSED:
        return False
    length = count_told(answer.headers, "content-length") or 0
    sizes = (answer.size, answer.content.size if answer.content is not None else None)
    return length > 0 or any(size is not None and size != 0 for size in sizes)


_REFUSED: Final = 400


def _kept_of_answer(status: int, headers: Headers, packing: str) -> Headers:
    """Return those of an answer's headers that say what became of the request."""
    pairs: list[tuple[str, str]] = []
    if status == TOO_MANY:
        pairs += [*kept_of_pairs(headers, _WAIT)]
    if status in REDIRECTS and header(headers, "location"):
        pairs.append(("location", "elsewhere"))
    if packing:
        pairs.append(("content-encoding", packing))
    return tuple(pairs)


_WAIT: Final = frozenset({"retry-after"})


def observed_at(started: str, time_ms: float | None) -> datetime:
    """Return when an answer had come, `time_ms` milliseconds after its start.

    Raises:
        PayloadError: it is no time that a clock shows.

    """
    moment = clock_moment(started)
    if moment is None:
        what = repr(started) if started and is_like_a_time(started) else "it"
        raise PayloadError(
            f"{what} is not a time with a zone that a clock shows",
            path="startedDateTime",
        )
    if time_ms is None or not time_ms > 0:
        return moment
    try:
        observed = moment + timedelta(milliseconds=time_ms)
        if a_clock_shows(observed):
            return observed
    except (OverflowError, ValueError):
        pass
    raise PayloadError(
        f"an answer {time_ms} ms later came at a time that no clock shows", path="time"
    )


def is_cached(*marks: Any) -> bool:
    """Return whether a mark says that a cache answered: a flag, or a cache's name."""
    return any(
        mark is True or (isinstance(mark, str) and _A_CACHE.intersection(_words(mark)))
        for mark in marks
    )


def _words(mark: str) -> list[str]:
    return mark.lower().replace("-", " ").split()


_A_CACHE: Final = frozenset(("cache", "disk", "memory", "prefetch", "true"))


def pairs_of(data: Any) -> Headers:
    """Return headers in whatever state they are: those that are a name and a value."""
    return tuple(
        (clean_text(name).lower(), clean_text(value)) for name, value in pairs_in(data)
    )
