"""A receipt as the form that carries it: the same file makes the same bytes.

So that an idempotency key stays true to it. Written here because httpx draws a new
boundary for each form.
"""

import hashlib
from typing import Final

from reconcile.errors import UsageError

ATTACHMENT_BYTES_MAX: Final = 10 * 2**20  # Xero's, the largest that is documented
_NAME: Final = {ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"}  # as HTML does


def form_of_file(*, name: str, content: bytes, media_type: str) -> tuple[str, bytes]:
    """Return the content type and the body of a form with one file.

    Raises:
        UsageError: the file is empty or too large, or its media type is no text.

    """
    if not 0 < len(content) <= ATTACHMENT_BYTES_MAX:
        raise UsageError(
            f"the attachment has {len(content)} bytes,"
            f" expected 1 to {ATTACHMENT_BYTES_MAX}"
        )
    if not media_type.isascii() or not media_type.isprintable():
        raise UsageError(f"the media type {media_type!r} is not printable ASCII")
    boundary = hashlib.sha256(content).hexdigest()[:32]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file";'
        f' filename="{name.translate(_NAME)}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n"
    )
    end = f"\r\n--{boundary}--\r\n"
    body = head.encode("utf-8", "replace") + content + end.encode()
    return f"multipart/form-data; boundary={boundary}", body
