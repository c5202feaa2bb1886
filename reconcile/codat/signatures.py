"""Whether Codat sent a delivery: signatures over raw bytes, or a shared value. Pure.

Source: Codat docs, webhooks, "Create consumer", and Standard Webhooks 1.0.0, which it
follows; legacy rules: "Core rules webhooks". Read 2026-11-22.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from reconcile.errors import SignatureError, UsageError

Text = str | bytes
Headers = Mapping[str, Text] | Mapping[bytes, Text] | Iterable[tuple[Text, Text]]
"""However a framework holds them; bytes are read as HTTP's own, Latin-1."""
Pairs = tuple[tuple[str, str], ...]

TOLERANCE: Final = timedelta(minutes=5)
PROOFS: Final = tuple(
    (f"{family}-id", f"{family}-timestamp", f"{family}-signature")
    for family in ("svix", "webhook")
)
"""Codat's docs had svix-* names until 2024-08-07. Where a delivery has both, Svix's own
library believes these."""

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1"
# A dot inside an id would let signed bytes be cut anew: {id}.{timestamp}.{body}.
_ID: Final = re.compile(r"[\w:~+/=-]{1,256}", re.ASCII)
_SECONDS: Final = re.compile(r"\d{1,12}", re.ASCII)


def verify(
    headers: Headers,
    body: bytes,
    *,
    secrets: Iterable[str],
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> str:
    """Return the id of a delivery that one of the secrets has signed.

    Raises:
        SignatureError: nothing of that kind; whatever the headers and bytes are.

    """
    return signed_by(pairs_of(headers), body, secrets, now=now, tolerance=tolerance)[0][
        1
    ]


def signed_by(
    headers: Pairs,
    body: bytes,
    secrets: Iterable[str],
    *,
    now: datetime,
    tolerance: timedelta,
) -> Pairs:
    """Return the three headers that prove a delivery, its id first, as they came.

    Raises:
        SignatureError: none do.

    """
    proof = _proof(headers)
    (_, named), (_, stamp), (_, signatures) = proof
    if not _ID.fullmatch(named):
        raise SignatureError(
            "the delivery's id is malformed, expected one such as msg_2b3c"
        )
    _check_age(stamp, now=now, tolerance=tolerance)
    offered = [*_offered(signatures)]
    content = f"{named}.{stamp}.".encode() + body
    matches = False
    for secret in secrets:
        digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
        expected = base64.b64encode(digest)
        for signature in offered:
            matches |= hmac.compare_digest(expected, signature)
    if not matches:
        raise SignatureError(
            "none of the delivery's signatures matches a secret of this endpoint"
        )
    return proof


def authorised(headers: Headers, value: str) -> bool:
    """Return whether a delivery carries the `Authorization` that a rule was given."""
    given = _firsts(pairs_of(headers)).get("authorization")
    return given is not None and hmac.compare_digest(_raw(given), _raw(value))


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for.

    Raises:
        UsageError: it is none; the text does not repeat it.

    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or not secret.startswith(_PREFIX):
        raise UsageError("the webhook secret is malformed, expected whsec_ and base64")
    return key


def pairs_of(headers: Headers) -> Pairs:
    """Return headers as they came; what is no text proves nothing, and is left out."""
    given: Iterable[tuple[Text, Text]] = (
        headers.items() if isinstance(headers, Mapping) else headers
    )
    pairs = [
        (name_read, value_read)
        for name, value in given
        if (name_read := _read(name)) is not None
        and (value_read := _read(value)) is not None
    ]
    return tuple(pairs)


def _read(text: object) -> str | None:
    if isinstance(text, bytes):
        return text.decode("latin-1")
    return text if isinstance(text, str) else None


def _proof(headers: Pairs) -> Pairs:
    """Return the id, timestamp and signatures of the first family that has all."""
    firsts = _firsts(headers)
    for names in PROOFS:
        if all(map(firsts.get, names)):
            return tuple((name, firsts[name]) for name in names)
    raise SignatureError("the delivery is not signed")


def _firsts(headers: Pairs) -> dict[str, str]:
    """Return each header's first value, by its name in small letters."""
    return {name.lower(): value for name, value in reversed(headers)}


def _check_age(stamp: str, *, now: datetime, tolerance: timedelta) -> None:
    if not _SECONDS.fullmatch(stamp):
        raise SignatureError("the delivery's timestamp is not a number of seconds")
    age_s = now.timestamp() - int(stamp)
    if abs(age_s) > tolerance.total_seconds():
        when = "ago" if age_s > 0 else "in the future"
        raise SignatureError(f"the delivery was signed {abs(age_s):.0f} s {when}")


def _offered(signatures: str) -> Iterator[bytes]:
    """Yield the signatures of the version we know, as they were written."""
    for entry in signatures.split():
        version, _, text = entry.partition(",")
        if version == _VERSION:
            yield _raw(text)


def _raw(text: str) -> bytes:
    """Return a header's bytes; characters no header can have never match."""
    return text.encode("utf-8", "surrogatepass")


def checked(secrets: Sequence[str]) -> tuple[str, ...]:
    """Return secrets that are all usable.

    Raises:
        UsageError: one is not; the text does not repeat it.

    """
    for secret in secrets:
        key_of(secret)
    return tuple(secrets)
