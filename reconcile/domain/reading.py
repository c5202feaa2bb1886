"""The read stream: what Codat refused to tell of a sync, or of a company's list."""

from typing import Final

import attrs

from reconcile.domain.decider import Decider
from reconcile.domain.events import ReadAnswered, ReadEvent, ReadRefused
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import ListAnswer, RefusedAnswer

THE_LIST: Final = "list"


@attrs.frozen(kw_only=True)
class Reading:
    """What is held of one kind of read: whether it was refused last."""

    version: int = 0
    refused: bool = False


def decide(
    reading: Reading, seen: RefusedAnswer | ListAnswer, *, evidence: str
) -> tuple[ReadEvent, ...]:
    """Return what `seen` tells that is not held yet.

    Each refusal is news. That a list was answered is news after a refusal alone.
    """
    if isinstance(seen, RefusedAnswer):
        return (
            ReadRefused(
                sync_id=seen.sync_id,
                rows=seen.rows,
                http_status=seen.http_status,
                words=seen.words,
                at=seen.at,
                evidence=evidence,
            ),
        )
    return (ReadAnswered(at=seen.at, evidence=evidence),) if reading.refused else ()


def evolve(reading: Reading, event: ReadEvent) -> Reading:
    """Return `reading` as it stands after `event`."""
    refused = isinstance(event, ReadRefused)
    return Reading(version=reading.version + 1, refused=refused)


def stream_of(seen: RefusedAnswer | ListAnswer) -> str:
    """Return the stream of the reads of one sync, or of a company's list."""
    sync_id = seen.sync_id if isinstance(seen, RefusedAnswer) else ""
    return stream_name("read", seen.company_id, sync_id or THE_LIST)


DECIDER: Final = Decider(
    observations=(RefusedAnswer, ListAnswer),
    initial=Reading(),
    decide=decide,
    evolve=evolve,
    stream_of=stream_of,
)
