"""Events to bytes and back: stable topics, one decoder a topic, upcasts.

A stored payload is JSON, so that an auditor can read it without us. A field added to an
event needs a default and no more. Any other change needs a new topic, and here, under
the old topic, an upcast from the old payload to the new one.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import attrs
import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from reconcile.domain.events import EVENT_TYPES, Event
from reconcile.domain.observations import LegRow
from reconcile.domain.rows import grouped
from reconcile.errors import HistoryError

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


def _with_groups(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of a page in groups; at first each stood by itself."""
    rows = msgspec.convert(payload.pop("rows"), list[LegRow])
    return {**payload, "groups": grouped(rows)}


UPCASTS: Mapping[str, tuple[str, Upcast]] = {
    "sync.legs-reported": ("sync.legs-reported.2", _with_groups)
}
"""Old topic to new topic, with the function that mends the payload."""


@attrs.frozen
class Envelope:
    """An event on its way into a stream; the shape the event store asks for."""

    originator_id: str
    originator_version: int
    event: Event


class Codec:
    """Encodes events to (topic, bytes) and back."""

    def __init__(self, upcasts: Mapping[str, tuple[str, Upcast]] = UPCASTS) -> None:
        self._upcasts = upcasts
        self._encoder = msgspec.json.Encoder()
        self._decoders = {t.TOPIC: msgspec.json.Decoder(t) for t in EVENT_TYPES}
        self._types: dict[str, type[Event]] = {t.TOPIC: t for t in EVENT_TYPES}

    def encode(self, event: Event) -> tuple[str, bytes]:
        """Return the event's topic and payload."""
        return event.TOPIC, self._encoder.encode(event)

    def payload(self, topic: str, state: bytes) -> dict[str, Any]:
        """Return what was stored, mended where it is of an older shape, as plain data.

        Raises:
            HistoryError: the topic is not known, or the payload is not of its shape.

        """
        try:
            _, payload = self._mended(topic, _without_nul(state))
        except _UNREADABLE as error:
            raise HistoryError(f"the stored {topic} cannot be read: {error}") from error
        data: dict[str, Any] = msgspec.to_builtins(payload)
        return data

    def decode(self, topic: str, state: bytes) -> Event:
        """Return the event that was stored, mended where it is of an older shape.

        Raises:
            HistoryError: the topic is not known, or the payload is not of its shape.

        """
        try:
            state = _without_nul(state)
            decoder = self._decoders.get(topic)
            if decoder is not None:
                event = decoder.decode(state)
            else:
                event = self._decode_older(topic, state)
        except _UNREADABLE as error:
            raise HistoryError(f"the stored {topic} cannot be read: {error}") from error
        at = getattr(event, "at", None)
        if at is not None and at.tzinfo is None:
            raise HistoryError(f"the stored {topic} has a time without a zone")
        return event

    def _decode_older(self, topic: str, state: bytes) -> Event:
        topic, payload = self._mended(topic, state)
        if topic not in self._types:
            raise HistoryError(f"no event is known by the topic {topic!r}")
        return msgspec.convert(payload, self._types[topic])

    def _mended(self, topic: str, state: bytes) -> tuple[str, dict[str, Any]]:
        payload = msgspec.json.decode(state, type=dict[str, Any])
        while topic in self._upcasts:
            topic, upcast = self._upcasts[topic]
            payload = upcast(payload)
        return topic, payload


def _without_nul(state: bytes | str) -> bytes:
    """Return a payload with NUL characters replaced by U+FFFD.

    Today's readers store none; older ones did, and PostgreSQL has no such character.
    Text stands there only where somebody else changed the file.
    """
    if isinstance(state, str):
        state = state.encode()
    if _ESCAPED_NUL not in state:
        return state
    return _NUL.sub(rb"\1\\ufffd", state)


_ESCAPED_NUL: Final = b"\\u0000"
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # not of an escaped backslash


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError)


class EventMapper(Mapper[str]):
    """The event store's seam: envelopes to stored events and back."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec  # no transcoder, compressor or cipher of the library's

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Return what the recorder writes for an envelope."""
        envelope = cast(Envelope, domain_event)
        topic, state = self._codec.encode(envelope.event)
        return StoredEvent(
            envelope.originator_id, envelope.originator_version, topic, state
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Return the envelope of a stored event."""
        event = self._codec.decode(stored_event.topic, stored_event.state)
        envelope = Envelope(
            str(stored_event.originator_id), stored_event.originator_version, event
        )
        return cast("DomainEventProtocol[str]", envelope)
