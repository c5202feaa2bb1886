"""Streams: every kind, every observation and every event has its place."""

from typing import get_args

import pytest

from reconcile.domain.events import EVENT_TYPES, Event
from reconcile.domain.identity import KINDS, stream_name
from reconcile.domain.observations import Observation
from reconcile.errors import HistoryError
from reconcile.history import DECIDERS


def test_a_stream_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(HistoryError, match="'plane' is not a kind of stream"):
        stream_name("plane", "c1", "p1")


def test_every_observation_speaks_of_one_stream() -> None:
    assert set(DECIDERS) == set(get_args(Observation))


def test_the_kinds_are_those_that_the_deciders_name_case_and_plan() -> None:
    assert set(KINDS) == {"case", "dataset", "plan", "read", "request", "sync"}
    assert list(KINDS) == sorted(KINDS)


def test_every_event_of_the_union_is_stored_under_a_topic_of_its_own() -> None:
    assert get_args(Event) == EVENT_TYPES
    assert len({kind.TOPIC for kind in EVENT_TYPES}) == len(EVENT_TYPES)


def test_every_topic_begins_with_the_kind_of_its_stream() -> None:
    assert {kind.TOPIC.split(".")[0] for kind in EVENT_TYPES} == set(KINDS)
