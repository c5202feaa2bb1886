"""What the command line's arguments mean."""

import re
from datetime import UTC, datetime
from typing import Any

import click

from reconcile.domain.instants import parse_instant


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
