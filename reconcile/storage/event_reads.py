"""What every engine's reads of events have in common: a stored row, decoded."""

from typing import Final

from reconcile.domain.events import Recorded
from reconcile.storage.codec import Codec
from reconcile.storage.evidence import moment_of
from reconcile.storage.movable import StoredEvent

EVENTS_PER_READ: Final = 500
BYTES_PER_READ: Final = 8 * 2**20


class DecodedEvents:
    """The part of a store that makes events of what it has read."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def recorded(self, stored: StoredEvent) -> Recorded:
        """Return a stored event, decoded, in its envelope.

        Raises:
            HistoryError: the event cannot be decoded.

        """
        return Recorded(
            stream=stored.stream,
            version=stored.version,
            position=stored.position,
            recorded_at=moment_of(stored.recorded_at),
            event=self._codec.decode(stored.topic, stored.state),
        )
