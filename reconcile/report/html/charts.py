"""Charts as inline SVG: bars over time, a bar beside a number, the meter of states.

They have classes and SVG attributes alone, no style and no script: a page's style sheet
colours them, and its policy need not allow inline styles. Labels are HTML beside them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import svg
from markupsafe import Markup, escape

from reconcile.domain.vocabulary import ItemState
from reconcile.report.html import figures

DAYS_MAX: Final = 31
"""More days than these are drawn by week."""
WEEKS_MAX: Final = 26
"""More weeks than these are drawn by month."""
MONTHS_MAX: Final = 60
"""More months are drawn by year: then some date is a mistake."""
_WIDTH: Final = 100
_SHARE: Final = 0.78  # of a column's width that its bar takes
_STRIPES_MAX: Final = 12
_SLANT: Final = 2.0  # between stripes of a bar that lies
_CLASSES: Final = {
    ItemState.MATCHED: "f-m",
    ItemState.CLEARED: "f-c",
    ItemState.OPEN: "f-o",
    ItemState.BREAK: "f-b",
    ItemState.RESOLVED: "f-r",
}


class Period(NamedTuple):
    """A day, a week or a month, and how many expenses of each state it has."""

    first: date
    last: date
    label: str  # under its bar, a few letters
    name: str  # in full
    counts: Mapping[ItemState, int]

    def of(self, states: Iterable[ItemState]) -> int:
        """Return how many expenses of some states it has."""
        return sum(self.counts.get(state, 0) for state in states)


def periods(days: Mapping[str, Mapping[ItemState, int]]) -> list[Period]:
    """Return the periods of expenses by day (`2026-01-14`), without a gap, in order.

    They are days up to `DAYS_MAX` of them, then weeks from Monday up to `WEEKS_MAX`,
    then months up to `MONTHS_MAX`, then years.
    """
    if not days:
        return []
    found = {date.fromisoformat(day): counts for day, counts in days.items()}
    first, last = min(found), max(found)
    spans = _spans(first, last)
    counted: list[dict[ItemState, int]] = [{} for _ in spans]
    place = 0
    for day in sorted(found):
        while day > spans[place].last:
            place += 1
        for state, number in found[day].items():
            counted[place][state] = counted[place].get(state, 0) + number
    return [
        span._replace(counts=counts)
        for span, counts in zip(spans, counted, strict=True)
    ]


def unit_of(some: Sequence[Period]) -> str:
    """Return what the periods are: days, weeks, months or years."""
    days = (some[0].last - some[0].first).days + 1
    longest = {1: "day", 7: "week", DAYS_MAX: "month"}
    return next((unit for most, unit in longest.items() if days <= most), "year")


def span_of(some: Sequence[Period]) -> str:
    """Return which days the periods cover: `1 Feb 2026 to 22 Feb 2026`."""
    first, last = figures.day(some[0].first), figures.day(some[-1].last)
    return first if first == last else f"{first} to {last}"


def _spans(first: date, last: date) -> list[Period]:
    number = (last - first).days + 1
    if number <= DAYS_MAX:
        every = [first + timedelta(days=n) for n in range(number)]
        return [Period(day, day, str(day.day), figures.day(day), {}) for day in every]
    monday = first - timedelta(days=first.weekday())
    weeks = (last - monday).days // 7 + 1
    if weeks <= WEEKS_MAX:
        return [_week(monday + timedelta(weeks=n)) for n in range(weeks)]
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months <= MONTHS_MAX:
        return [_month(first.year * 12 + first.month - 1 + n) for n in range(months)]
    return [
        Period(date(year, 1, 1), date(year, 12, 31), f"{year}", f"{year}", {})
        for year in range(first.year, last.year + 1)
    ]


def _week(monday: date) -> Period:
    label = f"{monday.day}/{monday.month}"
    name = f"the week from {figures.day(monday)}"
    return Period(monday, monday + timedelta(days=6), label, name, {})


def _month(number: int) -> Period:
    first = date(number // 12, number % 12 + 1, 1)
    after = date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    name = figures.month(f"{first:%Y-%m}")
    return Period(first, after - timedelta(days=1), f"{first:%m/%y}", name, {})


def scale(highest: int) -> int:
    """Return the end of an axis: at least `highest`, and a round number."""
    step = 1
    while True:
        for times in (1, 2, 3, 4, 5, 6, 8):
            if highest <= times * step:
                return times * step
        step *= 10


def columns(
    some: Sequence[Period], states: Sequence[ItemState], *, label: str, height: int = 88
) -> Markup:
    """Return bars over time, the states of each stacked in the order given.

    `label` says what is drawn to who cannot see it; `height` is in pixels.
    """
    top = scale(max((period.of(states) for period in some), default=1))
    pitch = _WIDTH / max(len(some), 1)
    drawn: list[svg.Element] = [_line(0), _line(top / 2), _line(top)]
    for place, period in enumerate(some):
        x, width = (place + (1 - _SHARE) / 2) * pitch, _SHARE * pitch
        y = float(top)
        for state in states:
            number = period.counts.get(state, 0)
            if number:
                y -= number
                name = f"{period.name}: {figures.count(number)} {state.value}"
                drawn += _bar(state, x, y, width, number, name)
    return _picture(drawn, height=height, top=top, label=label)


def meter(counts: Mapping[ItemState, int]) -> Markup:
    """Return how states share a whole as one bar; a share is never too small to see.

    It says nothing that the numbers beside it do not, and is hidden from who hears.
    """
    whole = sum(counts.values())
    present = [(state, n) for state, n in counts.items() if n]
    least = 0.8
    room = _WIDTH - least * len(present)
    drawn: list[svg.Element] = []
    x = 0.0
    for state, number in present:
        width = least + room * number / whole
        drawn += _bar(state, x, 0, max(width - 0.25, 0.4), 10, None)
        x += width
    return _picture(drawn, height=9, top=10, label=None)


def across(number: int, whole: int, state: ItemState | None = None) -> Markup:
    """Return a bar as long as `number` is of `whole`, on a track."""
    width = _WIDTH * number / whole if whole else 0
    bar = svg.Rect(
        x=0,
        y=0,
        width=_short(width),
        height=8,
        class_=[_CLASSES[state] if state else "f-a"],
    )
    track = svg.Rect(x=0, y=0, width=_WIDTH, height=8, class_=["t"])
    return _picture([track, bar], height=8, top=8, label=None)


def _bar(
    state: ItemState, x: float, y: float, width: float, height: float, name: str | None
) -> list[svg.Element]:
    rect = svg.Rect(
        x=_short(x),
        y=_short(y),
        width=_short(width),
        height=_short(height),
        class_=[_CLASSES[state]],
        elements=None if name is None else [svg.Title(text=str(escape(name)))],
    )
    if state is not ItemState.BREAK:
        return [rect]
    return [rect, svg.Path(d=_stripes(x, y, width, height), class_=["hatch"])]


def _stripes(x: float, y: float, width: float, height: float) -> list[svg.PathData]:
    """Return slanting lines over a bar, by which it is known without its colour."""
    path: list[svg.PathData] = []
    across = width > 2 * _SLANT
    number = int(width / _SLANT) if across else min(max(int(height), 1), _STRIPES_MAX)
    for n in range(number):
        if across:
            path += [
                svg.M(_short(x + n * width / number), _short(y + height)),
                svg.LineToRel(_short(0.8 * width / number), _short(-height)),
            ]
        else:
            path += [
                svg.M(_short(x), _short(y + (n + 0.75) * height / number)),
                svg.LineToRel(_short(width), _short(-0.5 * height / number)),
            ]
    return path


def _line(y: float) -> svg.Path:
    path: list[svg.PathData] = [svg.M(0, _short(y)), svg.HorizontalLineToRel(_WIDTH)]
    return svg.Path(d=path, class_=["gl"])


def _picture(
    drawn: list[svg.Element], *, height: int, top: int, label: str | None
) -> Markup:
    heard = {"aria-hidden": "true"}
    if label is not None:
        heard = {"role": "img", "aria-label": str(escape(label))}
    picture = svg.SVG(
        xmlns=None,
        viewBox=svg.ViewBoxSpec(0, 0, _WIDTH, top),
        preserveAspectRatio=svg.PreserveAspectRatio("none"),
        height=height,
        elements=drawn,
        extra=heard,
    )
    return Markup(picture.as_str())  # noqa: S704 - its texts are escaped above


def _short(number: float) -> float:
    """Return a coordinate with two decimals at most."""
    short = round(number, 2)
    return int(short) if short == int(short) else short
