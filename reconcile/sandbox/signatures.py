"""Signatures of the webhook service, as Standard Webhooks has them.

Source: Codat docs, webhooks, "Create consumer", read 2026-11-22; the vector it gives is
one of the tests.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from reconcile.errors import UsageError
from reconcile.sandbox.chance import Chance

Names = Literal["webhook", "svix"]  # Codat's docs used svix-* until 2024-08-07
Headers = tuple[tuple[str, str], ...]
_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = 24


def new_secret(chance: Chance) -> str:
    """Return a secret as a consumer is given one."""
    key = chance.of("webhook secret").randbytes(_KEY_BYTES)
    return _PREFIX + base64.b64encode(key).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for.

    Raises:
        UsageError: it is none; the text does not repeat it.

    """
    text = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or text == secret:
        raise UsageError("the webhook secret is malformed, expected whsec_ and base64")
    return key


def signed(
    body: bytes,
    *,
    message_id: str,
    at: datetime,
    secrets: Iterable[str],
    names: Names = "webhook",
) -> Headers:
    """Return the headers that sign a body, with a signature for each secret."""
    stamp = str(int(at.timestamp()))
    content = f"{message_id}.{stamp}.".encode() + body
    signatures = " ".join(_signature(content, key_of(secret)) for secret in secrets)
    return (
        (f"{names}-id", message_id),
        (f"{names}-timestamp", stamp),
        (f"{names}-signature", signatures),
    )


def _signature(content: bytes, key: bytes) -> str:
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
