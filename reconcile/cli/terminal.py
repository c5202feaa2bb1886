"""Where a command speaks: every line of its answers goes out here, as one line.

Without it, a merchant's name could move the cursor, or break a line in two.
"""

import json
from typing import Any, TextIO

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reconcile.foreign import harmful_runs, one_line, one_line_json

_PIPE_COLUMNS = 200


def say(text: str, *, err: bool = False) -> None:
    """Write one line to standard output, or to standard error."""
    click.echo(one_line(text), err=err)


def say_json(data: Any) -> None:
    """Write data as one line of JSON to standard output."""
    click.echo(one_line_json(json.dumps(data, ensure_ascii=False)))


class Terminal:
    """A stream for answers: wrapped at a terminal's width, and nowhere else."""

    def __init__(self, stream: TextIO) -> None:
        self._is_pipe = not stream.isatty()
        self._console = Console(
            file=stream,
            width=_PIPE_COLUMNS if self._is_pipe else None,
            soft_wrap=self._is_pipe,  # in a pipe every id stays on the line it began on
            highlight=False,
            emoji=False,
        )

    def line(self, text: Text | str = "", *, under: int = 0) -> None:
        """Write a line, empty by default; what wraps stays indented by `under`."""
        shown = _harmless(Text(text) if isinstance(text, str) else text)
        if self._is_pipe:
            self._console.print(Text(" " * under).append_text(shown))
        else:
            self._console.print(Padding(shown, (0, 0, 0, under)) if under else shown)

    def table(self, table: Table) -> None:
        """Write a table; its cells come from `cells`."""
        self._console.print(table)


def cells(*words: str) -> tuple[Text, ...]:
    """Return the cells of a table's row, each on one line."""
    return tuple(Text(one_line(word)) for word in words)


def _harmless(text: Text) -> Text:
    """Return a text with its styles, on one line."""
    runs = harmful_runs(text.plain)
    if not runs:
        return text
    safe = Text(style=text.style)
    for number, part in enumerate(text.divide([cut for run in runs for cut in run])):
        is_harmful = number % 2 == 1
        safe.append_text(Text(one_line(part.plain)) if is_harmful else part)
    return safe


def counted(number: int, singular: str, plural: str) -> str:
    """Return a number with what it counts: `1 event`, `12,000 events`."""
    return f"{number:,} {singular if number == 1 else plural}"
