"""An answer's body, put together from what arrives: bounded, packed or not. Pure.

Decompressed here and not by httpx, which unpacks a piece whole before anyone can say
that it is too much: 64 KiB of nested gzip are gigabytes.
"""

import zlib
from typing import Final

ENCODINGS: Final = "gzip"  # what we ask for
_GZIP_OR_ZLIB: Final = 47
_PACKED: Final = ("gzip", "x-gzip", "deflate")
_PLAIN: Final = ("", "identity")


class BodyError(ValueError):
    """The body is too large, broken, or packed in a way nobody asked for."""


class Body:
    """A body on its way in."""

    def __init__(self, *, encoding: str, length: str, bytes_max: int) -> None:
        """Begin a body as its headers announce it.

        Raises:
            BodyError: it announces more than `bytes_max`, or an unknown packing.

        """
        self._encoding = encoding.strip().lower()
        if self._encoding not in (*_PACKED, *_PLAIN):
            raise BodyError("the answer is compressed in a way that was not asked for")
        self._bytes_max = bytes_max
        self._content = (
            bytearray()
        )  # a list of the smallest pieces would be 40 times as large
        self._begun = False
        self._unpacking = self._fresh() if self._encoding in _PACKED else None
        if length.isascii() and length.isdigit() and int(length[:20]) > bytes_max:
            raise self._too_large()

    def feed(self, piece: bytes) -> None:
        """Take in the next piece.

        Raises:
            BodyError: the body is broken, or now too large.

        """
        if self._encoding in _PLAIN:
            self._add(piece)
            return
        self._begun = self._begun or bool(piece)
        while piece:
            if self._unpacking is None:  # one packed stream may follow another
                self._unpacking = self._fresh()
            room = self._bytes_max - len(self._content) + 1
            try:
                self._add(self._unpacking.decompress(piece, room))
            except zlib.error as error:
                raise BodyError("the answer cannot be decompressed") from error
            piece = self._unpacking.unconsumed_tail
            if self._unpacking.eof:
                piece = self._unpacking.unused_data
                self._unpacking = None

    def whole(self) -> bytes:
        """Return the body.

        Raises:
            BodyError: its packing has not come to an end.

        """
        if self._unpacking is not None and self._begun:
            raise BodyError("the answer ends too early")
        return bytes(self._content)

    def _fresh(self) -> "zlib._Decompress":
        return zlib.decompressobj(wbits=_GZIP_OR_ZLIB)

    def _add(self, piece: bytes) -> None:
        if len(self._content) + len(piece) > self._bytes_max:
            raise self._too_large()
        self._content += piece

    def _too_large(self) -> BodyError:
        return BodyError(f"the answer is larger than {self._bytes_max} bytes")
