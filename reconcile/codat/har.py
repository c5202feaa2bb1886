"""HAR 1.2: the ecosystem's capture format, in and out.

A `.har` file is one document; a `.jsonl` stream has one entry a line. One entry that is
broken costs that entry alone: what follows it is read, in documents too.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import msgspec

from reconcile.codat.captured_bodies import nothing_attached
from reconcile.codat.entries import read_entry, well_formed
from reconcile.codat.exchange import Attached, Captured, Unreadable
from reconcile.codat.jsons import text_of
from reconcile.codat.odd_entries import read_broken, read_odd
from reconcile.codat.salvage import Salvage
from reconcile.codat.scrubbing import not_kept
from reconcile.errors import UsageError

HAR_BYTES_MAX: Final = 2**30


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _Document(msgspec.Struct):
    log: _Log


def read_document(
    document: bytes, *, name: str = "", attached: Attached = nothing_attached
) -> Iterator[Captured]:
    """Yield what a HAR document holds; of a broken one, all that can be read.

    `attached` gives the bodies that a recorder put beside the document.

    Raises:
        UsageError: it is no HAR document: it holds no list of entries.

    """
    try:
        entries = msgspec.json.decode(document, type=_Document).log.entries
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        yield from _Broken(document, name, attached).entries()
        return
    for number, raw in enumerate(entries, start=1):
        where = _place(name, f"entry {number}")
        yield read_entry(bytes(raw), where=where, attached=attached)


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
            yield from read_broken(raw, _BROKEN, where, attached)


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


_ENTRIES: Final = re.compile(r'"entries"\s*:\s*\[')
_END: Final = re.compile(r"\]\s*\}\s*\}\s*\Z")


class _Broken:
    """One pass over a document that is broken somewhere."""

    def __init__(self, document: bytes, name: str, attached: Attached) -> None:
        self._text = text_of(document)
        self._name = name
        self._attached = attached
        self._line, self._counted = 1, 0

    def entries(self) -> Iterator[Captured]:
        """Yield the entries, the broken ones as far as they read.

        Raises:
            UsageError: there are none, nor a list for them.

        """
        text, begin = self._text, _ENTRIES.search(self._text)
        if begin is None:
            raise UsageError(
                f"{self._name or 'the document'} is not a HAR document:"
                " expected a list of entries in its log"
            )
        salvage = Salvage(text, begin.end())
        cut_off = not _END.search(text)
        for number, piece in enumerate(salvage.pieces(), start=1):
            line = self._line_at(piece.begin)
            where = _place(self._name, f"entry {number} at line {line}")
            raw = text[piece.begin : piece.end].encode("utf-8", "surrogateescape")
            if piece.whole:
                yield read_entry(raw, where=where, attached=self._attached)
            elif piece.end < len(text) or not cut_off:
                yield from read_broken(raw, _BROKEN, where, self._attached)
            else:
                where = _place(self._name, f"line {line}")
                yield from read_broken(
                    raw, _CUT_OFF, where, self._attached, cut_off=True
                )
                return
        if salvage.at < len(text):
            yield from self._after(text[: begin.end()], salvage.at)
        elif cut_off:
            where = _place(self._name, f"line {self._line_at(salvage.at)}")
            yield Unreadable(raw=not_kept(b""), reason=_CUT_OFF, where=where)

    def _after(self, head: str, at: int) -> Iterator[Captured]:
        """Yield what stands after the entries, if it is more than their end."""
        tail = self._text[at:]
        if not _closes(head, tail):
            yield Unreadable(
                raw=not_kept(tail[1:].encode("utf-8", "surrogateescape")),
                reason="the HAR document does not end where its entries do",
                where=_place(self._name, f"line {self._line_at(at)}"),
            )

    def _line_at(self, at: int) -> int:
        self._line += self._text.count("\n", self._counted, at)
        self._counted = at
        return self._line


_BROKEN: Final = "the entry is not JSON"
_CUT_OFF: Final = "the HAR document ends too early"


def _closes(head: str, tail: str) -> bool:
    """Return whether nothing is lost after the entries: at most closing brackets."""
    if not tail[1:].strip(" \t\r\n}"):
        return True
    try:
        json.loads(head + tail)
    except (ValueError, RecursionError):
        return False
    return True
