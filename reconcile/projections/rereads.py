"""Where the rows of a read stand: in its own event, or in an earlier one with the same.

A listing read again with the same rows is stored without them: its event, `LegsReread`,
names the version of the event in its stream that has them. This is the one place that
follows such a name.
"""

from collections.abc import Callable

import attrs

from reconcile.domain.events import LegsReported, LegsReread, Recorded
from reconcile.domain.rows import Groups
from reconcile.errors import HistoryError


def _nowhere(*_: object) -> None:
    """Find no event: all that matter are taken in."""


@attrs.define(kw_only=True)
class RowsByEvent:
    """The rows that events hold; remembered as events are taken in.

    A reader that does not take in all events says how an earlier one is found: by its
    stream and version, or by its position.
    """

    event_at: Callable[[str, int], Recorded | None] = _nowhere
    event_in: Callable[[int], Recorded | None] = _nowhere
    _by_version: dict[tuple[str, int], Recorded] = attrs.field(factory=dict)
    _by_position: dict[int, Groups] = attrs.field(factory=dict)

    def take(self, recorded: Recorded) -> Recorded | None:
        """Remember an event's rows; return the event that a re-read points to.

        None for all that is no re-read, and for one that points to nothing.
        """
        event = recorded.event
        if isinstance(event, LegsReported):
            self._by_version[recorded.stream, recorded.version] = recorded
            self._by_position[recorded.position] = event.groups
        if not isinstance(event, LegsReread):
            return None
        key = (recorded.stream, event.same_as)
        if key not in self._by_version:
            found = self.event_at(*key)
            if found is None:
                return None
            self._by_version[key] = found
        return self._by_version[key]

    def groups_at(self, position: int) -> Groups:
        """Return the rows of the event at a position, in groups.

        Raises:
            HistoryError: the event there holds no rows, or is not to be found.

        """
        if position not in self._by_position:
            found = self.event_in(position)
            if found is None or not isinstance(found.event, LegsReported):
                raise HistoryError(f"the event at {position} holds no rows")
            self._by_position[position] = found.event.groups
        return self._by_position[position]


def rows_of(recorded: Recorded, *, original: Recorded | None) -> Groups:
    """Return the rows that an event reports, its own or those it points to."""
    for holder in (recorded, original):
        if holder is not None and isinstance(holder.event, LegsReported):
            return holder.event.groups
    return ()
