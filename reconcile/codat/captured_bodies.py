"""A body as captures write it down: text, base64, packed still, or apart. Pure."""

import base64
import binascii
import re
import zlib
from typing import Final

import msgspec

from reconcile.codat.bodies import Body, BodyError
from reconcile.codat.exchange import BODY_BYTES_MAX, Attached
from reconcile.errors import PayloadError

UNKNOWN_BYTES_MAX: Final = 2**20
"""Of a body that may be nobody's webhook, so much is unpacked to see."""
_GZIP: Final = b"\x1f\x8b"
_RAW_DEFLATE: Final = -15
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}").fullmatch
_JSON_BEGINS: Final = b'{["tfn-0123456789'
_MARKS: Final = b"\xef\xbb\xbf\xff\xfe \t\r\n"
_UNPACKED: Final = ("", "identity", "gzip", "x-gzip", "deflate")


class CapturedBody(msgspec.Struct, gc=False, rename={"file": "_file"}):
    """A body as a capture writes it down."""

    text: str | None = None
    encoding: str | None = None
    size: float | None = None
    file: str | None = None


def nothing_attached(_: str) -> bytes | None:
    """Return None: the capture came alone."""
    return None


def body_of(
    content: CapturedBody,
    *,
    packing: str,
    attached: Attached,
    path: str,
    is_codats: bool = True,
) -> bytes | None:
    """Return a body's bytes, unpacked where they are gzip or deflate; None for none.

    `packing` is what the message's headers say of it. A body that is packed in another
    way is returned as it is: `packed_with` names the way. Of what is not known to be
    Codat's less is unpacked.

    Raises:
        PayloadError: it is no base64, too large, broken, or in a file that is not here.

    """
    text = content.text
    if content.file is not None and not text:
        body = attached(content.file)
        if body is None:
            raise PayloadError(
                f"the body stands in a file of its own, {content.file} (`_file`),"
                " which is not beside the capture; save the HAR again with"
                " content: 'embed'",
                path=path,
            )
    elif text is None:
        return None
    elif (content.encoding or "").strip().lower() == "base64":
        body = _of_base64(text, path)
    else:
        body = _unmarked(text)
    most = BODY_BYTES_MAX if is_codats else UNKNOWN_BYTES_MAX
    return _unpacked(body, packing, path, most)


def packed_with(body: bytes | None, packing: str) -> str:
    """Return how a body is packed still, "" where it is not.

    A capture holds most bodies unpacked, and the headers as they came; so what begins
    as JSON is none that is packed.
    """
    packing = packing.strip().lower()
    if not body or packing in _UNPACKED or _like_json(body):
        return ""
    return packing


def _of_base64(text: str, path: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PayloadError("it is not base64", path=path) from error


def _unmarked(text: str) -> bytes:
    """Return a text's bytes; of base64 that is not marked so, what it stands for.

    It is taken for base64 where it is no JSON and stands for JSON, packed or not.
    """
    body = text.encode("utf-8", "surrogatepass")
    if _like_json(body) and body[:1] not in b"tfn0123456789":
        return body
    joined = "".join(text.split())
    if len(joined) % 4 == 0 and _BASE64(joined):
        decoded = base64.b64decode(joined)
        if decoded.startswith(_GZIP) or decoded.lstrip(_MARKS)[:1] in (b"{", b"["):
            return decoded
    return body


def _unpacked(body: bytes, packing: str, path: str, most: int) -> bytes:
    packing = packing.strip().lower()
    try:
        if body.startswith(_GZIP):
            return _inflated(body, "gzip", most)
        if packing == "deflate" and not _like_json(body):
            try:
                return _inflated(body, "deflate", most)
            except BodyError:
                return _inflated_bare(body, most)
    except BodyError as error:
        raise PayloadError(str(error), path=path) from error
    return body


def _inflated(body: bytes, encoding: str, most: int) -> bytes:
    packed = Body(encoding=encoding, length="", bytes_max=most)
    packed.feed(body)
    return packed.whole()


def _inflated_bare(body: bytes, most: int) -> bytes:
    """Return what deflate made without zlib's frame, as many a server does."""
    unpacking = zlib.decompressobj(wbits=_RAW_DEFLATE)
    try:
        inflated = unpacking.decompress(body, most + 1)
    except zlib.error as error:
        raise BodyError("the answer cannot be decompressed") from error
    if len(inflated) > most:
        raise BodyError(f"the answer is larger than {most} bytes")
    if not unpacking.eof:
        raise BodyError("the answer ends too early")
    return inflated


def _like_json(body: bytes) -> bool:
    begin = body.lstrip(_MARKS)[:1]
    return begin != b"" and begin in _JSON_BEGINS
