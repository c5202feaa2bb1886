"""Text that others wrote, on its way into a line that we write.

Codat's words, merchants, ids and file names may hold terminal escapes, line breaks and
marks that turn the direction of text: raw, they could forge a line of a report or log.
"""

import re
from typing import Final

# Controls, soft hyphens, blanks and joins of no width, breaks of lines and paragraphs,
# marks of direction, tags, halves of pairs; not the two joiners that scripts need.
_HARMFUL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f]+"
)


def one_line(text: str) -> str:
    r"""Return text as one line that does a terminal no harm: `\n`, `\x1b`, `\u202e`."""
    return _HARMFUL.sub(_escape, text)


def harmful_runs(text: str) -> list[tuple[int, int]]:
    """Return where characters stand that `one_line` would write out: start and end."""
    return [found.span() for found in _HARMFUL.finditer(text)]


def one_line_json(text: str) -> str:
    """Return JSON with the same characters escaped: it says what it said."""
    return _HARMFUL.sub(_json_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4))
