"""HAR 1.2: the ecosystem's capture format, in and out.

A `.har` file is one document; a `.jsonl` stream has one entry a line. One entry that is
broken costs that entry alone: what follows it is read, in documents too.
"""

import codecs
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from reconcile.codat.captured_bodies import nothing_attached
from reconcile.codat.document import Document
from reconcile.codat.entries import read_entry, well_formed
from reconcile.codat.exchange import Attached, Captured
from reconcile.codat.jsons import text_of
from reconcile.codat.odd_entries import BROKEN_ENTRY, read_broken, read_odd
from reconcile.codat.salvage import Salvage


def read_document(
    document: bytes, *, name: str = "", attached: Attached = nothing_attached
) -> Iterator[Captured]:
    """Yield what a HAR document holds; of a broken one, all that can be read.

    `attached` gives the bodies that a recorder put beside the document.

    Raises:
        UsageError: it is no HAR document: it holds no list of entries.

    """
    stream = io.BytesIO(document)
    yield from Document(stream, name=name, attached=attached).entries()


def read_lines(
    lines: Iterable[bytes], *, name: str = "", attached: Attached = nothing_attached
) -> Iterator[Captured]:
    """Yield what each line holds: one HAR entry; blank lines hold nothing.

    A mark at their beginning says UTF-8, UTF-16 or UTF-32; without one they are UTF-8.
    """
    for number, line in enumerate(_in_utf8(lines), start=1):
        stripped = line.strip()
        if stripped:
            where = _place(name, f"line {number}")
            yield from read_line(stripped, where=where, attached=attached)


def read_line(
    line: bytes, *, where: str, attached: Attached = nothing_attached
) -> Iterator[Captured]:
    """Yield the entry of a line; where more stands on it, that too."""
    entry = well_formed(line, where=where, attached=attached)
    if entry is not None:
        yield entry
        return
    text = text_of(line)
    pieces = [*Salvage(text).pieces()]
    if sum(text.startswith("{", piece.begin) for piece in pieces) < _SEVERAL:
        yield read_odd(line, where, attached)
        return
    for piece in pieces:
        raw = text[piece.begin : piece.end].encode("utf-8", "surrogateescape")
        if piece.whole:
            yield read_entry(raw, where=where, attached=attached)
        else:
            yield from read_broken(raw, BROKEN_ENTRY, where, attached)


_SEVERAL: Final = 2


def utf_of(begin: bytes) -> str:
    """Return the UTF that a mark at the beginning of a file says, "" where none is."""
    return next((utf for mark, utf in _UTF_MARKS if begin.startswith(mark)), "")


_UTF_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _in_utf8(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines in UTF-8: in other UTFs a line ends amid a character's bytes."""
    rest = iter(lines)
    first = next(rest, b"")
    utf = utf_of(first)
    if not utf or utf == "utf-8-sig":
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from rest
        return
    decoder = codecs.getincrementaldecoder(utf)("replace")
    pending = ""
    for piece in chain((first,), rest):
        *whole, pending = (pending + decoder.decode(piece)).split("\n")
        for line in whole:
            yield line.encode("utf-8", "replace")
    yield (pending + decoder.decode(b"", final=True)).encode("utf-8", "replace")


def _place(name: str, inside: str) -> str:
    return f"{name}, {inside}" if name else inside
