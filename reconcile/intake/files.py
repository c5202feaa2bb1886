"""Files of captured traffic: what a file is, its content says, and never its name.

A HAR document or JSON lines of its entries, plain, packed with gzip, or in a zip; in
UTF-8, or in what a mark at the beginning says. What is none of these is refused whole,
before anything of it is stored.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

import msgspec

from reconcile.codat.captured_bodies import nothing_attached
from reconcile.codat.document import HAR_BYTES_MAX, Document
from reconcile.codat.exchange import BODY_BYTES_MAX, Attached, Captured, Unreadable
from reconcile.codat.har import read_document, read_line, read_lines
from reconcile.codat.jsons import text_of
from reconcile.codat.partial import readable_part
from reconcile.codat.salvage import is_entry
from reconcile.codat.scrubbing import not_kept
from reconcile.errors import UsageError
from reconcile.intake.packed import Unpacking, in_zip, unknown_part

HEAD_BYTES: Final = 2**16
STRAY_LINES_MAX: Final = 10_000
"""So many lines that are no entries may stand before the first that is one."""
STRAY_TOLD_MAX: Final = 100
"""So many of those behind it are told one by one."""
_WANTED: Final = "expected a HAR document, or JSON lines of HAR entries"
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK"


def read_file(path: Path) -> Iterator[Captured]:
    """Yield what a file of captured traffic holds.

    Bodies that a recorder put into files of their own are read from beside it.

    Raises:
        UsageError: there is no such file, or it is no capture.

    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder, expected a file")
    if not path.exists():
        raise UsageError(f"{path} does not exist, expected a file")
    with path.open("rb") as stream:
        yield from read_stream(stream, name=str(path), attached=_beside(path.parent))


def read_stream(
    stream: IO[bytes], *, name: str, attached: Attached = nothing_attached
) -> Iterator[Captured]:
    """Yield what a stream of captured traffic holds.

    Raises:
        UsageError: it is no capture; of one that is packed and broken, from there on.

    """
    head, whole = _peeked(stream)
    if not head.startswith(_GZIP):
        yield from _of_any_kind(head, whole, name, attached)
        return
    packed = Unpacking(whole)
    head, whole = _peeked(packed)  # type: ignore[arg-type]
    if packed.broken and not head:
        raise UsageError(
            f"{name} cannot be unpacked: expected whole gzip, and it breaks off"
        )
    yield from _of_any_kind(head, whole, name, attached)
    if packed.broken:
        yield unknown_part(name, "the gzip breaks off")


def _of_any_kind(
    head: bytes, whole: IO[bytes], name: str, attached: Attached
) -> Iterator[Captured]:
    if head.startswith(_ZIP):
        yield from in_zip(_bounded(whole, name), name, _plain_bytes)
    else:
        yield from _plain(head, whole, name, attached)


def _plain_bytes(document: bytes, name: str, attached: Attached) -> Iterator[Captured]:
    yield from _plain(document[:HEAD_BYTES], io.BytesIO(document), name, attached)


def _plain(
    head: bytes, whole: IO[bytes], name: str, attached: Attached
) -> Iterator[Captured]:
    begin = text_of(head).lstrip()
    if not begin:
        raise UsageError(f"{name} is empty, {_WANTED}")
    for mark, what in _OF_OTHER_KINDS:
        if begin.startswith(mark):
            raise UsageError(f"{name} is {what}, {_WANTED}")
    if not _is_document(begin):
        lines = read_lines(_lines(whole, name), name=name, attached=attached)
        yield from _with_an_entry(lines, name)
        return
    document = Document(whole, name=name, attached=attached, lined=True)
    yield from document.entries()
    rest = io.BufferedReader(_Rejoined(document.rest, whole), HEAD_BYTES)
    yield from _documents(_lines(rest, name), name, attached)


_OF_OTHER_KINDS: Final = (("<", "a web page or XML"), ("%PDF", "a PDF"))
_LOG_FIRST: Final = re.compile(r'\{\s*"log"\s*:').match
_LOG: Final = re.compile(r'"log"\s*:\s*\{').search
_LOG_OF_HAR: Final = re.compile(
    r'"log"\s*:\s*\{\s*"(?:version|creator|browser|pages|entries|comment)"'
).search


def _is_document(begin: str) -> bool:
    """Return whether a text begins a HAR document: entries have a line of their own."""
    if not begin.startswith("{"):
        return False
    if _LOG_FIRST(begin):
        return True
    if "\n" not in begin:
        return bool(_LOG_OF_HAR(begin)) and not is_entry(readable_part(begin).value)
    return not _is_json(_first_line(begin)) and bool(_LOG(begin))


def _first_line(text: str) -> bytes:
    return text.partition("\n")[0].encode("utf-8", "replace")


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False
    return True


def _documents(
    lines: Iterable[bytes], name: str, attached: Attached
) -> Iterator[Captured]:
    """Yield what lines hold of which each is a HAR document, or an entry."""
    for number, line in enumerate(lines, start=1):
        where = f"{name}, line {number}"
        if _LOG_FIRST(text_of(line[:HEAD_BYTES]).lstrip()):
            yield from read_document(line, name=where, attached=attached)
        elif line.strip():
            yield from read_line(line, where=where, attached=attached)


def _with_an_entry(captured: Iterator[Captured], name: str) -> Iterator[Captured]:
    """Yield what lines hold, where any of them is an entry."""
    stray: list[Captured] = []
    for item in captured:
        if not isinstance(item, Unreadable) or item.codats:
            yield from stray
            yield item
            yield from _strays_bounded(captured, name)
            return
        stray.append(item)
        if len(stray) > STRAY_LINES_MAX:
            break
    raise UsageError(f"{name} holds no captured traffic, {_WANTED}")


def _strays_bounded(captured: Iterator[Captured], name: str) -> Iterator[Captured]:
    """Yield what follows; of many lines that are no entries, the last as one piece."""
    listed = 0
    more: list[bytes] = []
    for item in captured:
        if not isinstance(item, Unreadable) or item.codats:
            yield item
        elif listed < STRAY_TOLD_MAX:
            listed += 1
            yield item
        else:
            more.append(hashlib.sha256(item.raw).digest())
    if more:
        yield Unreadable(
            raw=not_kept(b"".join(more)),
            reason=f"{len(more)} more lines are not HAR entries, expected one a line",
            where=name,
        )


def _lines(whole: IO[bytes], name: str) -> Iterator[bytes]:
    while line := whole.readline(HAR_BYTES_MAX + 1):
        if len(line) > HAR_BYTES_MAX:
            raise UsageError(
                f"{name} has a line larger than {HAR_BYTES_MAX} bytes, {_WANTED}"
            )
        yield line


def _bounded(whole: IO[bytes], name: str) -> bytes:
    document = whole.read(HAR_BYTES_MAX + 1)
    if len(document) > HAR_BYTES_MAX:
        raise UsageError(
            f"{name} is larger than {HAR_BYTES_MAX} bytes,"
            " expected JSON lines, one HAR entry a line"
        )
    return document


# Bodies beside a document


def _beside(folder: Path) -> Attached:
    """Return what reads a body from a file in the capture's folder, or below it."""

    def attached(file: str) -> bytes | None:
        try:
            path = (folder / file).resolve()
            if not path.is_relative_to(folder.resolve()) or not path.is_file():
                return None
            with path.open("rb") as body:
                return body.read(BODY_BYTES_MAX + 1)
        except (OSError, ValueError):
            return None

    return attached


# A stream whose beginning has been looked at


class _Rejoined(io.RawIOBase):
    """A stream from its beginning on, though that has been read."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        piece = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _peeked(stream: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    """Return how a stream begins, and the whole of it."""
    head = b"".join(_begin(stream))
    return head, io.BufferedReader(_Rejoined(head, stream), HEAD_BYTES)


def _begin(stream: IO[bytes]) -> Iterable[bytes]:
    wanted = HEAD_BYTES
    while wanted > 0 and (piece := stream.read(wanted)):
        yield piece
        wanted -= len(piece)
