"""Deliveries as Codat makes them, and an endpoint with a clock of the test's own."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconcile import Reconciler
from reconcile.endpoint import Limits, Trust, WebhookEndpoint
from tests.builders import COMPANY, SYNC, TRANSACTION
from tests.engines import rows_of, url_at

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(KEY[::-1]).decode()
PATH = "/webhooks/codat"


def webhook(sync: str = SYNC, *, status: str = "Completed") -> bytes:
    """Return the body of a webhook of the current service."""
    envelope = {
        "id": sync,
        "eventType": "expenses.sync.successful",
        "generatedDate": "2026-03-02T08:59:00Z",
        "payload": {
            "referenceCompany": {"id": COMPANY, "name": "Toft stores"},
            "syncId": sync,
            "transactions": [
                {"id": TRANSACTION, "status": status, "errorMessage": None}
            ],
        },
    }
    return json.dumps(envelope).encode()


def signed(
    body: bytes, *, named: str = "msg_1", secret: str = SECRET, at: int | None = None
) -> dict[str, str]:
    """Return the headers by which Codat signs a body."""
    stamp = str(int(NOW.timestamp()) if at is None else at)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{named}.{stamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return {
        "webhook-id": named,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Clock:
    """Says what a test says."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def url_of(folder: Path) -> str:
    return url_at(folder / "books.db")


def endpoint(
    folder: Path, *, limits: Limits | None = None, **given: Any
) -> WebhookEndpoint:
    """Return an endpoint on the folder's store; `given` is for its trust."""
    trust = Trust(**(given or {"secrets": (SECRET,)}))
    return WebhookEndpoint(url_of(folder), trust=trust, limits=limits, now=Clock())


def apart(folder: Path) -> list[tuple[str, int]]:
    """Return why deliveries were refused, and their lengths, newest first."""
    with Reconciler.open(url_of(folder), create=False) as books:
        return [
            (item.reason, item.body_bytes)
            for item in books.store.untrusted().newest_first()
        ]


def evidence_count(folder: Path) -> int:
    """Return how many pieces of evidence the folder's store has."""
    ((number,),) = rows_of(url_of(folder), "SELECT COUNT(*) FROM evidence")
    return int(number)
