"""Captures that are packed: gzip, and the documents of a zip.

What of a packing is broken costs that part alone, and is told.
"""

import io
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Final

from reconcile.codat.document import HAR_BYTES_MAX
from reconcile.codat.exchange import (
    BODY_BYTES_MAX,
    Attached,
    Captured,
    Unreadable,
)
from reconcile.codat.scrubbing import not_kept
from reconcile.errors import UsageError

RATIO_MAX: Final = 200
"""A document may be so many times larger than it is packed: JSON is ten to thirty."""
_OF_GZIP: Final = 31
_PIECE_BYTES: Final = 2**16
_SMALL_BYTES: Final = 64 * 2**20
_BROKEN: Final = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError),
    *(OSError, lzma.LZMAError, zlib.error, struct.error),
)
ReadPlain = Callable[[bytes, str, Attached], Iterator[Captured]]


class Unpacking(io.RawIOBase):
    """A stream packed with gzip, as far as it unpacks; `broken` where that is not all.

    What stands before a break is read: the standard library's reader loses it.
    """

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._rest = b""
        self._member = zlib.decompressobj(wbits=_OF_GZIP)
        self._begun = False  # a member, which has an end
        self.broken = False

    def readable(self) -> bool:
        """Return that it is."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        """Read some bytes, none at the end or at a break."""
        while not self.broken:
            if self._member.eof:
                self._rest = self._member.unused_data.lstrip(b"\0")
                self._member = zlib.decompressobj(wbits=_OF_GZIP)
                self._begun = False
            raw = self._rest or self._packed.read(_PIECE_BYTES)
            if not raw:
                self.broken = self._begun
                return 0
            self._begun = True
            try:
                piece = self._member.decompress(raw, len(buffer))
            except zlib.error:
                self.broken = True
                return 0
            self._rest = self._member.unconsumed_tail
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)
        return 0


def in_zip(data: bytes, name: str, read_plain: ReadPlain) -> Iterator[Captured]:
    """Yield what the documents of a zip hold; of one that is broken, that it is.

    Raises:
        UsageError: it is no zip, none of its documents can be read, or it has none.

    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = _captures_in(archive)
    except _BROKEN as error:
        raise UsageError(
            f"{name} cannot be unpacked: {error or 'it is broken'}; expected a whole"
            " zip without a password"
        ) from error
    if not members:
        raise UsageError(
            f"{name} is a zip without a .har in it, expected one with a HAR document"
        )
    reasons: list[tuple[str, str]] = []
    found = False
    for info in members:
        where = f"{name}/{info.filename}"
        try:
            document = _unpacked(archive, info)
            attached = _within(archive, posixpath.dirname(info.filename))
            for captured in read_plain(document, where, attached):
                yield captured
                found = True
        except UsageError as error:
            reasons.append((where, str(error)))
    if not found and reasons:
        raise UsageError(reasons[0][1])
    for where, reason in reasons:
        yield unknown_part(where, reason)


def unknown_part(where: str, reason: str) -> Unreadable:
    """Return that something of a file is not known, and why."""
    return Unreadable(raw=not_kept(reason.encode()), reason=reason, where=where)


def _captures_in(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the documents of a zip, else its lines; not what a Mac puts beside one."""
    own = [
        info
        for info in archive.infolist()
        if not posixpath.basename(info.filename).startswith("._")
    ]
    hars = [info for info in own if info.filename.lower().endswith(".har")]
    return hars or [i for i in own if i.filename.lower().endswith(".jsonl")]


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes.

    Raises:
        UsageError: it is broken, or unpacks to far more than a capture does.

    """
    most = min(HAR_BYTES_MAX, max(_SMALL_BYTES, RATIO_MAX * info.compress_size))
    try:
        with archive.open(info) as packed:
            document = packed.read(most + 1)
    except _BROKEN as error:
        raise UsageError(
            f"{info.filename} in the zip cannot be unpacked: {error or 'it is broken'};"
            " expected a whole zip without a password"
        ) from error
    if len(document) > most:
        raise UsageError(
            f"{info.filename} in the zip is larger than {most} bytes unpacked,"
            " expected JSON lines, one HAR entry a line"
        )
    return document


def _within(archive: zipfile.ZipFile, folder: str) -> Attached:
    """Return what reads a body from a zip: from the folder of its document."""
    members = frozenset(archive.namelist())

    def attached(file: str) -> bytes | None:
        member = posixpath.join(folder, file)
        if member not in members:
            return None
        try:
            with archive.open(member) as body:
                return body.read(BODY_BYTES_MAX + 1)
        except _BROKEN:
            return None

    return attached
