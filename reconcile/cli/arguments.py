"""What the command line's arguments mean."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from reconcile.domain.instants import parse_instant

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Moment(click.ParamType[datetime]):
    """A time as RFC 3339 with a zone, or a date: its last microsecond in UTC."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment, or fail in one sentence."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        moment = None
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            try:
                day = datetime.fromisoformat(text)
                moment = day.replace(
                    hour=23, minute=59, second=59, microsecond=999999, tzinfo=UTC
                )
            except ValueError:
                pass
        elif re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", text, re.ASCII):
            moment = parse_instant(text.upper())
        if moment is None:
            self.fail(f"{text!r} is neither a date nor a time with a zone", param, ctx)
        return moment


MOMENT = Moment()


def format_option(*faces: str) -> Callable[[_Command], _Command]:
    """Return what gives a command the option of its answer's format, `face`."""
    return click.option(
        "--format",
        "face",
        type=click.Choice(faces),
        default=faces[0],
        show_default=True,
    )


def listening_options(*, port: int) -> Callable[[_Command], _Command]:
    """Return what gives a command that serves the options of where it listens."""

    def give(command: _Command) -> _Command:
        host = click.option(
            "--host", default="127.0.0.1", show_default=True, metavar="HOST"
        )
        number = click.option(
            "--port",
            type=click.IntRange(0, 65_535),
            default=port,
            show_default=True,
            metavar="PORT",
            help="0 picks a free port.",
        )
        return host(number(command))

    return give
