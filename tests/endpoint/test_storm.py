"""A storm of strangers' requests: each is answered, few are logged, all are counted."""

import logging
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from reconcile.endpoint.server import serving
from tests.endpoint.deliveries import PATH, endpoint, evidence_count, signed, webhook
from tests.endpoint.test_server import talk

TIMES = 60
LENGTH = b"Host: x\r\nContent-Length: 2\r\nConnection: close\r\n"
STORM = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "no HTTP": b"rubbish\x1b[2J\r\n\r\n",
    "no method": b"\r\n\r\n\r\nX\r\n\r\n",
    "a length below zero": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n"
    b"Upgrade: websocket\r\n\r\n",
    "a head without an end": b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 300,
    "no signature": f"POST {PATH} HTTP/1.1\r\n".encode() + LENGTH + b"\r\n{}",
    "another path": b"POST /hooks HTTP/1.1\r\nwebhook-id: a\r\n" + LENGTH + b"\r\n{}",
    "nowhere": b"POST /x HTTP/1.1\r\n" + LENGTH + b"\r\n{}",
}


def test_a_storm_of_bad_requests_is_answered_and_logged_in_a_few_lines(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "reconcile.endpoint")
    bodies = [webhook(f"sync-{n}") for n in range(TIMES)]
    with (
        endpoint(tmp_path) as hooks,
        serving(hooks) as running,
        ThreadPoolExecutor(16) as pool,
    ):

        def stranger(piece: bytes) -> bytes:
            return talk(running.url, piece, wait_s=0, then_silent=True)

        storm = [pool.submit(stranger, p) for p in [*STORM.values()] * TIMES]
        answers = [
            httpx.post(running.url + PATH, content=body, headers=signed(body))
            for body in bodies
        ]
        heard = [waiting.result() for waiting in storm]

    assert {answer.status_code for answer in answers} == {204}
    assert evidence_count(tmp_path) == TIMES
    statuses = Counter(piece[9:12].decode() for piece in heard)
    assert statuses["401"] == TIMES
    assert statuses["404"] >= 2 * TIMES
    assert not any(status.startswith(("2", "5")) for status in statuses)
    assert len(caplog.records) <= 20
    assert sum(map(counted, lines(caplog, "not signed"))) == TIMES
    assert sum(map(counted, lines(caplog, "another path"))) == TIMES
    assert "\x1b" not in caplog.text


def lines(caplog: pytest.LogCaptureFixture, words: str) -> list[str]:
    """Return what was logged of one kind."""
    return [r.getMessage() for r in caplog.records if words in r.getMessage()]


def counted(message: str) -> int:
    """Return how many requests a line stands for."""
    more = re.search(r": (\d+) more", message)
    return int(more[1]) if more else 1
