"""One HAR document, read from a stream: an entry at a time, for as long as all is well.

So a capture of any size takes as much memory as its largest entry. What follows a break
is read whole, because nobody can say where an entry ends that has no end.
"""

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import IO, Any, Final

import msgspec

from reconcile.codat.captured_bodies import nothing_attached
from reconcile.codat.entries import read_entry
from reconcile.codat.exchange import Attached, Captured, Unreadable
from reconcile.codat.jsons import text_of
from reconcile.codat.odd_entries import BROKEN_ENTRY, read_broken
from reconcile.codat.salvage import Salvage
from reconcile.codat.scrubbing import not_kept
from reconcile.errors import UsageError

HAR_BYTES_MAX: Final = 2**30
"""Of one entry, or of what stands before or after them all."""
_READ_BYTES: Final = 2**16
_ENTRIES: Final = re.compile(r'"entries"\s*:\s*\[')
_MARK_BYTES: Final = 4  # by so many it shows which UTF a text is in
# What never ends is one to the end: a search from each quote would take for ever.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_DEPTH: Final = 2  # of a list in the log
_LISTS_MAX: Final = 10  # so many of those are tried
_BETWEEN: Final = re.compile(r"[\s,]*")
_END: Final = re.compile(r"\]\s*\}\s*\}\s*\Z")
_CUT_OFF: Final = "the HAR document ends too early"
_scan: Final = json.JSONDecoder().raw_decode


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _Document(msgspec.Struct):
    log: _Log


class Document:
    """A document that is read once; `lined` where others may follow, each on a line."""

    def __init__(
        self,
        stream: IO[bytes],
        *,
        name: str = "",
        attached: Attached = nothing_attached,
        lined: bool = False,
    ) -> None:
        self._text = _Text(stream, name)
        self._name = name
        self._attached = attached
        self._lined = lined
        self.rest = b""
        """What was read of the lines after the document's, once its entries are."""

    def entries(self) -> Iterator[Captured]:
        """Yield the entries; of a broken document, all that can be read.

        Raises:
            UsageError: it is no HAR document: it holds no list of entries.

        """
        text = self._text
        text.at = self._begin()
        head = text.text[: text.at]
        number = 0
        while (mark := self._mark()) not in ("]", ""):
            number += 1
            end = self._end()
            if end is None:
                yield from self._broken(head, number)
                return
            raw = text.text[text.at : end].encode("utf-8", "surrogateescape")
            text.at = end
            where = self._place(f"entry {number}")
            yield read_entry(raw, where=where, attached=self._attached)
        if mark:
            yield from self._after(head)
        else:
            yield self._unreadable("", _CUT_OFF)

    def _begin(self) -> int:
        """Return where the list of the log's entries begins."""
        text = self._text
        looked = counted = depth = 0
        lists: list[int] = []
        while text.more():
            for found in _ENTRIES.finditer(text.text, looked):
                looked = found.end()
                depth += _opened(text.text[counted : found.start()])
                counted = found.end() - 1
                of_log = depth == _DEPTH and len(lists) < _LISTS_MAX
                if of_log and _is_log(text.text[:looked]):
                    return looked
                if of_log or not lists:
                    lists.append(looked)
            looked = max(looked, text.text.rfind('"entries"', looked))
        if not lists:
            raise UsageError(
                f"{self._name or 'the document'} is not a HAR document:"
                " expected a list of entries in its log"
            )
        return lists[0]

    def _mark(self) -> str:
        """Go on to what follows; return its first character, "" at the end."""
        text = self._text
        while True:
            between = _BETWEEN.match(text.text, text.at)
            text.at = between.end() if between else text.at
            if text.at < len(text.text):
                return text.text[text.at]
            if not text.more():
                return ""

    def _end(self) -> int | None:
        """Return where the entry ends that begins here, None where it is broken."""
        text = self._text
        while True:
            with suppress(ValueError, RecursionError):
                end = _scan(text.text, text.at)[1]
                if end < len(text.text) or text.is_whole:
                    return end
            if not text.more():
                return None

    def _broken(self, head: str, number: int) -> Iterator[Captured]:
        """Yield what follows a break, from the entry of that number on."""
        text = self._text
        salvage = Salvage(text.text, text.at)
        cut_off = not _END.search(text.text, text.at)
        for place, piece in enumerate(salvage.pieces(), start=number):
            text.at = piece.begin
            where = self._place(f"entry {place} at line {text.line()}")
            raw = text.text[piece.begin : piece.end].encode("utf-8", "surrogateescape")
            if piece.whole:
                yield read_entry(raw, where=where, attached=self._attached)
            elif piece.end < len(text.text) or not cut_off:
                yield from read_broken(raw, BROKEN_ENTRY, where, self._attached)
            else:
                where = self._place(f"line {text.line()}")
                yield from read_broken(
                    raw, _CUT_OFF, where, self._attached, cut_off=True
                )
                return
        text.at = salvage.at
        if text.at < len(text.text):
            yield from self._after(head)
        elif cut_off:
            yield self._unreadable("", _CUT_OFF)

    def _after(self, head: str) -> Iterator[Captured]:
        """Yield what stands after the entries, if it is more than their end."""
        text = self._text
        if self._lined and "\n" not in head.lstrip():
            while (end := text.text.find("\n", text.at)) < 0 and text.more():
                pass
            if end >= 0 and _closes(head, text.text[text.at : end], strictly=True):
                behind = text.text[end:]
                self.rest = behind.encode("utf-8", "surrogateescape")
                return
        while text.more():
            pass
        tail = text.text[text.at :]
        if not _closes(head, tail):
            reason = "the HAR document does not end where its entries do"
            yield self._unreadable(tail[1:], reason)

    def _unreadable(self, raw: str, reason: str) -> Unreadable:
        return Unreadable(
            raw=not_kept(raw.encode("utf-8", "surrogateescape")),
            reason=reason,
            where=self._place(f"line {self._text.line()}"),
        )

    def _place(self, inside: str) -> str:
        return f"{self._name}, {inside}" if self._name else inside


def _opened(text: str) -> int:
    """Return how many brackets a piece of JSON opens, less those it closes."""
    bare = _STRING.sub("", text)
    return bare.count("{") + bare.count("[") - bare.count("}") - bare.count("]")


def _is_log(head: str) -> bool:
    """Return whether a text that ends with `[` opens the list of the log's entries."""
    try:
        whole = head.encode("utf-8", "surrogateescape") + b"]}}"
        msgspec.json.decode(whole, type=_Document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _closes(head: str, tail: str, *, strictly: bool = False) -> bool:
    """Return whether nothing is lost after the entries: at most closing brackets.

    `strictly` where the document has to end there.
    """
    if not strictly and not tail[1:].strip(" \t\r\n}"):
        return True
    if _ENTRIES.search(tail) and not _is_log(head):
        return False
    try:
        json.loads(head + tail, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Let no object have two lists of entries, or two logs: one was not read."""
    names = [name for name, _ in pairs if name in ("entries", "log")]
    if len(names) != len({*names}):
        raise ValueError("a name stands twice, expected once")


class _Text:
    """The text of a stream from `at` on: what was used is let go."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._is_begun = False
        self._line, self._counted = 1, 0  # the line at a place
        self.text = ""
        self.at = 0
        self.is_whole = False

    def more(self) -> bool:
        """Read as much again as is there; return whether there was more.

        Raises:
            UsageError: it is too much to be held.

        """
        if self.is_whole:
            return False
        raw = self._stream.read(max(_READ_BYTES, len(self.text) - self.at))
        if not self._is_begun:
            raw = self._begun(raw)
        self.is_whole = not raw
        more = self._decoder.decode(raw, final=self.is_whole)
        self.line()
        self.text = self.text[self.at :] + more
        self.at = self._counted = 0
        if len(self.text) > HAR_BYTES_MAX:
            raise UsageError(
                f"{self._name or 'the document'} has an entry larger than"
                f" {HAR_BYTES_MAX} bytes, expected smaller ones"
            )
        return bool(more) or not self.is_whole

    def _begun(self, begin: bytes) -> bytes:
        """Return the first bytes in UTF-8; what is in another UTF is read whole."""
        self._is_begun = True
        while len(begin) < _MARK_BYTES and (more := self._stream.read(_MARK_BYTES)):
            begin += more
        if json.detect_encoding(begin) not in ("utf-8", "utf-8-sig"):
            rest = iter(partial(self._stream.read, _READ_BYTES), b"")
            whole = b"".join([begin, *rest])
            begin = text_of(whole).encode("utf-8", "surrogateescape")
        return begin.removeprefix(codecs.BOM_UTF8)

    def line(self) -> int:
        """Return the number of the line at `at`."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
