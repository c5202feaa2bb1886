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
from reconcile.codat.entries import read_entry
from reconcile.codat.exchange import Attached, Captured, Unreadable
from reconcile.codat.jsons import text_of
from reconcile.codat.odd_entries import read_broken
from reconcile.codat.partial import readable_part
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
        yield from _Salvage(document, name, attached).entries()
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
            yield read_entry(stripped, where=where, attached=attached)


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
_SPACE: Final = re.compile(r"[\s,]*")
_OBJECT: Final = re.compile(r'(?<=[\s,\[])\{\s*"')
_END: Final = re.compile(r"\]\s*\}\s*\}\s*\Z")
_scan: Final = json.JSONDecoder().raw_decode


class _Salvage:
    """One pass over a document that is broken somewhere."""

    def __init__(self, document: bytes, name: str, attached: Attached) -> None:
        self._text = text_of(document)
        self._name = name
        self._attached = attached
        self._line, self._counted = 1, 0
        self._effort = 4 * len(self._text) + 10**6  # characters to be tried in vain

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
        at, number = begin.end(), 0
        while True:
            space = _SPACE.match(text, at)
            at = space.end() if space else at
            if text.startswith("]", at):
                yield from self._after(text[: begin.end()], at)
                return
            number += 1
            where = _place(self._name, f"entry {number} at line {self._line_at(at)}")
            end, whole = self._end_of(at)
            piece = text[at:end].encode("utf-8", "surrogateescape")
            if whole:
                yield read_entry(piece, where=where, attached=self._attached)
            elif end < len(text) or _END.search(text):
                yield from read_broken(piece, _BROKEN, where, self._attached)
            else:
                where = _place(self._name, f"line {self._line_at(at)}")
                yield from read_broken(
                    piece, _CUT_OFF, where, self._attached, cut_off=True
                )
                return
            if not whole and end == len(text):
                return
            at = end

    def _end_of(self, at: int) -> tuple[int, bool]:
        """Return where the entry at a place ends, and whether it is whole."""
        try:
            return _scan(self._text, at)[1], True
        except (ValueError, RecursionError):
            pass
        part = readable_part(self._text, at)
        if part.closed:
            return part.end, True
        return self._next_entry(at + 1), False

    def _next_entry(self, at: int) -> int:
        """Return where the next whole entry begins after a break, or the text ends."""
        text = self._text
        while self._effort > 0 and (begin := _OBJECT.search(text, at)) is not None:
            at = begin.start()
            try:
                found, end = _scan(text, at)
            except (ValueError, RecursionError) as error:
                reached = error.pos if isinstance(error, json.JSONDecodeError) else at
                if "Unterminated" in str(error):
                    reached = len(text)
                self._effort -= reached - at + 1000
                at += 1
                continue
            if isinstance(found.get("request"), dict):
                return at
            at = end
        return len(text)

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
