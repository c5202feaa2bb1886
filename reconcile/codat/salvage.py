"""Entries of a text that is broken somewhere: where each begins and ends. Pure.

A broken entry costs that entry alone, and hides no other: what follows it is found
again, whole or broken, as is what was written behind it on the same line.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from reconcile.codat.partial import readable_part

_SPACE: Final = re.compile(r"[\s,]*")
_OBJECT: Final = re.compile(r'\{\s*"')
_scan: Final = json.JSONDecoder().raw_decode


@attrs.frozen
class Piece:
    """A part of a text that is an entry, or the broken part of one."""

    begin: int
    end: int
    whole: bool


class Salvage:
    """One pass over a text; `at` is how far it came."""

    def __init__(self, text: str, at: int = 0) -> None:
        self._text = text
        self.at = at
        self._effort = 4 * len(text) + 10**6  # characters to be tried in vain

    def pieces(self) -> Iterator[Piece]:
        """Yield the entries one after the other, up to the end of their list."""
        text = self._text
        while True:
            space = _SPACE.match(text, self.at)
            self.at = begin = space.end() if space else self.at
            if begin == len(text) or text.startswith("]", begin):
                return
            self.at, whole = self._end_of(begin)
            yield Piece(begin, self.at, whole)

    def _end_of(self, at: int) -> tuple[int, bool]:
        """Return where the entry at a place ends, and whether it is whole."""
        try:
            return _scan(self._text, at)[1], True
        except (ValueError, RecursionError):
            pass
        if self._effort > 0:
            part = readable_part(self._text, at)
            self._effort -= part.end - at
            if part.closed:
                return part.end, True
        return self._next_entry(at + 1), False

    def _next_entry(self, at: int) -> int:
        """Return where the next entry begins after a break, or the text ends."""
        text = self._text
        while self._effort > 0 and (begin := _OBJECT.search(text, at)) is not None:
            at = begin.start()
            try:
                found, end = _scan(text, at)
            except (ValueError, RecursionError) as error:
                if self._is_broken_entry(at, error):
                    return at
                at += 1
                continue
            if is_entry(found):
                return at
            at = end
        return len(text)

    def _is_broken_entry(self, at: int, error: Exception) -> bool:
        """Return whether what cannot be read whole at a place is an entry."""
        reached = error.pos if isinstance(error, json.JSONDecodeError) else at
        if "Unterminated" in str(error):
            reached = len(self._text)
        part = readable_part(self._text, at)
        self._effort -= max(reached, part.end) - at + 1000
        return is_entry(part.value)


def is_entry(data: Any) -> bool:
    """Return whether data are an entry as far as they read: they name a URL."""
    request = data.get("request") if isinstance(data, dict) else None
    return isinstance(request, dict) and isinstance(request.get("url"), str)
