"""What the sandbox heard of a live office, whatever the office thinks it sent."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from reconcile.domain.identity import stream_name
from reconcile.sandbox import Call, Response, Sandbox
from reconcile.sandbox.transport import Transport
from reconcile.storage.evidence import digest_of
from tests.engines import rows_of, url_at

NAMES = ("idempotency-key", "x-reconcile-request")  # the headers that name an intent
USED_UP = "was exceeded"  # by the sandbox's own count, not by chance


@attrs.frozen(kw_only=True)
class Write:
    """One write as it arrived, and what it began."""

    company_id: str
    line: str  # its method and path
    key: str
    known: bool  # its intent stood in the store
    began: str | None  # the sync


@attrs.define(kw_only=True)
class Wire:
    """Stands between an office and the sandbox, and looks into the office's store."""

    sandbox: Sandbox
    store: Path
    processes: int = 0  # of the office, so far
    writes: list[Write] = attrs.field(factory=list)
    used_up: list[tuple[int, str]] = attrs.field(factory=list)  # process, words

    def transport(self) -> Transport:
        """Return a transport to the sandbox."""
        return Transport(self._handle, wait=self.sandbox.advance)

    def began(self, key: str) -> str | None:
        """Return the sync that the request of a key began first."""
        return next((item.began for item in self._of(key) if item.began), None)

    def _of(self, key: str) -> Iterator[Write]:
        return (write for write in self.writes if write.key == key)

    def keeps(self, body: bytes) -> bool:
        """Return whether a delivery's body stands in the store, for all to see."""
        return self._finds(
            "SELECT 1 FROM evidence WHERE request_body = ?", digest_of(body)
        )

    def _handle(self, call: Call) -> Response:
        if call.method == "GET":
            answer = self.sandbox.handle(call)
        else:
            answer = self._written(call)
        if answer.status == 429 and USED_UP in (words := _words(answer)):
            self.used_up.append((self.processes, words))
        return answer

    def _written(self, call: Call) -> Response:
        company_id = call.path.partition("/companies/")[2].partition("/")[0]
        key = name_in(call.headers)
        known = self._finds(
            "SELECT 1 FROM stored_events WHERE originator_id = ?",
            stream_name("request", company_id, key),
        )
        syncs = self.sandbox.companies[company_id].syncs
        before = len(syncs)
        answer = self.sandbox.handle(call)
        self.writes.append(
            Write(
                company_id=company_id,
                line=f"{call.method} {call.path}",
                key=key,
                known=known,
                began=next(iter([*syncs][before:]), None),
            )
        )
        return answer

    def _finds(self, query: str, value: object) -> bool:
        return bool(rows_of(url_at(self.store), query, value))


def name_in(headers: Mapping[str, str]) -> str:
    """Return the intent that a request names, "" where none; names in lower case."""
    return next((headers[name] for name in NAMES if name in headers), "")


def _words(answer: Response) -> str:
    return str(json.loads(answer.body).get("error"))
