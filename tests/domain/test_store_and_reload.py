"""Every event kind survives being stored and read back."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.domain.events import EVENT_TYPES, Event, SyncStarted
from reconcile.errors import HistoryError
from reconcile.storage.codec import Codec
from tests.builders import at
from tests.strategies import EVENTS_OF_EVERY_KIND, events_of

CODEC = Codec()


@given(event=EVENTS_OF_EVERY_KIND)
def test_an_event_read_back_is_the_event_that_was_stored(event: Event) -> None:
    topic, state = CODEC.encode(event)

    assert CODEC.decode(topic, state) == event


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: str(kind.TOPIC))
@settings(max_examples=100)
@given(data=st.data())
def test_no_kind_is_left_out(kind: type[Event], data: st.DataObject) -> None:
    event = data.draw(events_of(kind))

    topic, state = CODEC.encode(event)

    assert (topic, CODEC.decode(topic, state)) == (kind.TOPIC, event)


def test_topics_are_stable_names_and_each_stands_for_one_kind() -> None:
    topics = [kind.TOPIC for kind in EVENT_TYPES]

    assert sorted(topics) == [
        "case.cause-mended",
        "case.evidence-quarantined",
        "case.evidence-released",
        "case.evidence-scrubbed",
        "case.evidence-set-aside",
        "case.expense-decided",
        "dataset.pushed",
        "plan.line-dispatched",
        "plan.line-dropped",
        "plan.retry-ended",
        "plan.retry-planned",
        "read.answered",
        "read.refused",
        "request.abandoned",
        "request.answer-lost",
        "request.recovered",
        "request.refused",
        "request.requested",
        "request.throttled",
        "request.turn-taken",
        "request.unsent",
        "sync.completed",
        "sync.delivery-set-aside",
        "sync.failed",
        "sync.given-up",
        "sync.initiated",
        "sync.legs-reported.2",
        "sync.legs-reread",
        "sync.started",
        "sync.unrecognised",
    ]


def test_an_older_payload_is_mended_on_the_way_back() -> None:
    def renamed(payload: dict[str, Any]) -> dict[str, Any]:
        return {"at": payload["when"], "evidence": payload["evidence"]}

    def evidenced(payload: dict[str, Any]) -> dict[str, Any]:
        return {**payload, "evidence": "e1"}

    codec = Codec(
        upcasts={
            "sync.begun": ("sync.begun-2", evidenced),
            "sync.begun-2": ("sync.started", renamed),
        }
    )

    event = codec.decode("sync.begun", b'{"when": "2026-03-02T09:00:00Z"}')

    assert event == SyncStarted(at=at(0), evidence="e1")


def test_a_field_that_was_added_takes_its_default() -> None:
    event = CODEC.decode(
        "sync.started", b'{"at": "2026-03-02T09:00:00Z", "evidence": "e1"}'
    )

    assert event == SyncStarted(at=at(0), evidence="e1", dated=True, flaws=())


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("sync.unheard-of", b"{}"),
        ("sync.unheard-of", b"not JSON"),
        ("sync.started", b"not JSON"),
        ("sync.started", b"{}"),
        ("sync.started", b'{"at": 7, "evidence": "e1"}'),
        ("sync.started", b'{"at": "2026-03-02T09:00:00Z", "evidence": null}'),
        ("sync.legs-reread", b'{"same_as": "one"}'),
    ],
)
def test_what_cannot_be_read_back_is_an_error_of_the_history(
    topic: str, state: bytes
) -> None:
    with pytest.raises(HistoryError, match=topic):
        CODEC.decode(topic, state)


def test_an_upcast_that_finds_nothing_to_mend_is_an_error_of_the_history() -> None:
    codec = Codec(
        upcasts={"sync.begun": ("sync.started", lambda old: {"at": old["when"]})}
    )

    with pytest.raises(HistoryError, match=r"sync\.begun"):
        codec.decode("sync.begun", b"{}")


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (rb"a\u0000b\u0000", "a\ufffdb\ufffd"),
        (rb"a\\u0000b", r"a\u0000b"),  # an escaped backslash, and no NUL
        (rb"a\\\u0000", "a\\\ufffd"),
    ],
)
def test_a_nul_that_was_stored_once_is_read_as_what_every_engine_can_store(
    stored: bytes, read: str
) -> None:
    topic, state = CODEC.encode(SyncStarted(at=at(0), evidence="here"))

    event = CODEC.decode(topic, state.replace(b"here", stored))

    assert isinstance(event, SyncStarted)
    assert event.evidence == read
