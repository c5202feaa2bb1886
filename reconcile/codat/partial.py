"""JSON that is broken or cut off: what stands before the break. Pure.

So that a request stays readable whose answer is not, and so that what a broken entry
names can be asked before the entry is counted against anybody.
"""

import json
import re
from typing import Any, Final

import attrs

_TOKEN: Final = re.compile(
    r'[ \t\r\n]*(?:(?P<mark>[{}\[\],:])|(?P<text>"(?:[^"\\]|\\.)*+")'
    r"|(?P<word>[-+0-9.eEa-zA-Z]+))",
    re.DOTALL,
)
_WORDS: Final = {"true": True, "false": False, "null": None}
_DEPTH_MAX: Final = 200


@attrs.frozen
class ReadablePart:
    """A value as far as it reads, None for none; where reading ended, and whether so.

    `closed` says that the value is whole: nothing of it was left out.
    """

    value: Any
    end: int
    closed: bool


def readable_part(text: str, at: int = 0) -> ReadablePart:
    """Return the value that stands in a text at a place, as far as it reads.

    A member whose name or value is broken is left out, and all that would follow it.
    """
    return _Reading(text, at).part()


class _Reading:
    """One pass over a text: what is open, innermost last."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at
        self._root: list[Any] = []
        self._open: list[tuple[Any, str]] = []  # a container, and the member awaited
        self._name = ""

    def part(self) -> ReadablePart:
        """Return the value, and where it ends."""
        awaited = "value"
        while True:
            token = _TOKEN.match(self._text, self._at)
            following = None if token is None else self._take(token, awaited)
            if token is None or following is None:
                return self._result(closed=False)
            self._at = token.end()
            awaited = following
            if not self._open:
                return self._result(closed=True)

    def _result(self, *, closed: bool) -> ReadablePart:
        return ReadablePart(self._root[0] if self._root else None, self._at, closed)

    def _take(self, token: "re.Match[str]", awaited: str) -> str | None:
        """Take the next token in; return what must follow, None where it is broken."""
        mark = token["mark"]
        if mark in ("}", "]"):
            return self._close(mark, awaited)
        if awaited == "comma":
            return _AFTER_COMMA[self._kind()] if mark == "," else None
        if awaited == "colon":
            return "value" if mark == ":" else None
        if awaited in ("name", "first name"):
            return self._take_name(token["text"])
        return self._take_value(token)

    def _take_name(self, text: str | None) -> str | None:
        if text is None:
            return None
        try:
            self._name = json.loads(text, strict=False)
        except ValueError:
            return None
        return "colon"

    def _take_value(self, token: "re.Match[str]") -> str | None:
        mark, text = token["mark"], token["text"]
        if mark in ("{", "["):
            container: Any = {} if mark == "{" else []
            if len(self._open) >= _DEPTH_MAX:
                return None
            self._add(container)
            self._open.append((container, self._name))
            return "first name" if mark == "{" else "first value"
        if mark is not None:
            return None
        try:
            value = (
                json.loads(text, strict=False)
                if text is not None
                else _number(token["word"])
            )
        except ValueError:
            return None
        if text is None and token.end() == len(self._text):
            return None  # a number that is cut off is another number
        self._add(value)
        return "comma"

    def _add(self, value: Any) -> None:
        if not self._open:
            self._root.append(value)
            return
        container = self._open[-1][0]
        if isinstance(container, dict):
            container[self._name] = value
        else:
            container.append(value)

    def _close(self, mark: str, awaited: str) -> str | None:
        if not self._open or mark != ("}" if self._kind() is dict else "]"):
            return None
        if awaited not in ("comma", "first name", "first value"):
            return None
        self._open.pop()
        return "comma"

    def _kind(self) -> type:
        return type(self._open[-1][0])


_AFTER_COMMA: Final[dict[type, str]] = {dict: "name", list: "value"}


def _number(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    return json.loads(word)
