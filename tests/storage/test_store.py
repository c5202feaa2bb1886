"""Every store gives back what it was given, at positions that are never used again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import strategies as st

from reconcile import UsageError
from reconcile.domain.events import Event, SyncStarted
from reconcile.domain.identity import KINDS, stream_name
from reconcile.errors import NoStoreError
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence
from reconcile.storage.opening import migrate, open_store
from reconcile.storage.ports import Store, VersionConflictError
from tests.builders import at
from tests.engines import postgres_server, tables_of, with_parameter
from tests.laws import law
from tests.storage.opened import STARTED, begun, filled
from tests.strategies import EVENTS_OF_EVERY_KIND


@law(examples=100, events=st.lists(EVENTS_OF_EVERY_KIND, min_size=1, max_size=5))
def test_events_read_back_are_those_that_were_appended(
    url: str, events: list[Event]
) -> None:
    envelopes = [Envelope("sync:c:s", n, e) for n, e in enumerate(events, start=1)]

    with open_store(url, create=True) as store:
        store.append(envelopes, (), recorded_at=at(1))
        recorded = store.stream("sync:c:s")

    assert [envelope.event for envelope in recorded] == events
    assert [event.position for event in recorded] == list(range(1, len(events) + 1))
    assert {event.recorded_at for event in recorded} == {at(1)}


@pytest.mark.parametrize("company", ["c", "", "An: odd/company ä", "%3A", "ﬁ", "🧾;"])
def test_a_company_has_its_events_in_streams_of_every_kind(
    store: Store, company: str
) -> None:
    names = [stream_name(kind, company, "n") for kind in KINDS]
    others = [stream_name(kind, f"{company}2", "n") for kind in KINDS]
    events = [Envelope(name, 1, STARTED) for name in (*names, *others)]

    store.append(events, (), recorded_at=at(0))

    positions = store.positions_of(company, until=99)
    assert [event.stream for event in store.stored_at(positions)] == names
    assert store.companies() == sorted([company, f"{company}2"])


def test_a_range_of_streams_is_the_same_in_every_collation(store: Store) -> None:
    """Between `case:` and `case;` there are all case streams, and no other."""
    names = ["case:A:x", "case:a:x", "case:ä:x", "case::x", "Case:a:x", "cases:a:x"]
    store.append([Envelope(n, 1, STARTED) for n in names], (), recorded_at=at(0))

    found = [event.stream for event in store.stored_at(store.case_positions(until=9))]

    assert found == [name for name in names if name.startswith("case:")]


def test_positions_are_dense_whoever_writes(store: Store, store_url: str) -> None:
    def write(writer: int) -> None:
        with open_store(store_url, create=False) as mine:
            for size in (1, 20, 3):
                stream = f"sync:c{writer}:s{size}"
                events = [Envelope(stream, n, STARTED) for n in range(1, size + 1)]
                mine.append(events, (), recorded_at=at(0))

    with ThreadPoolExecutor(4) as threads:
        [*threads.map(write, range(4))]

    stored = store.stored_after(0)
    assert [event.position for event in stored] == [*range(1, 97)]
    assert store.position() == 96
    for name in store.companies():
        positions = store.positions_of(name, until=99)
        assert positions == sorted(positions)


def test_a_position_is_never_used_again(store: Store, store_url: str) -> None:
    store.append([begun(1)], (), recorded_at=at(0))
    with tables_of(store_url) as tables:
        tables.run("DELETE FROM stored_events")

    store.append([begun(1)], (), recorded_at=at(1))

    assert store.position() == 2


def test_a_position_that_was_refused_is_given_to_the_next(store: Store) -> None:
    store.append([begun(1)], (), recorded_at=at(0))
    for _ in range(3):
        with pytest.raises(VersionConflictError):
            store.append([begun(2), begun(1)], (), recorded_at=at(0))

    store.append([begun(2)], (), recorded_at=at(0))

    assert [event.position for event in store.stream("sync:c:s")] == [1, 2]


def test_a_conflict_keeps_nothing_of_its_transaction(store: Store) -> None:
    store.append([begun(1)], (), recorded_at=at(0))

    with pytest.raises(VersionConflictError):
        store.append([begun(1)], [filled(b"kept?")], recorded_at=at(1))

    assert store.evidence(b"e" * 32) is None
    assert store.position() == 1


@pytest.mark.parametrize("observed_at", [at(0), None])
def test_evidence_that_is_stored_already_is_a_conflict(
    store: Store, observed_at: datetime | None
) -> None:
    once = filled(b"once", observed_at=observed_at)
    store.append([begun(1)], [once], recorded_at=at(0))

    with pytest.raises(VersionConflictError):
        store.append([begun(2)], [once], recorded_at=at(1))

    assert store.version_of("sync:c:s") == 1
    assert len(store.receipts(once.identity)) == 1


def test_evidence_without_a_time_that_comes_twice_at_once_is_a_conflict(
    store: Store,
) -> None:
    with pytest.raises(VersionConflictError):
        store.append([begun(1)], [filled(b"a"), filled(b"a")], recorded_at=at(0))

    assert store.position() == 0


def test_the_longest_prefix_known_by_a_moment_ends_before_the_first_later_event(
    store: Store,
) -> None:
    for version, minute in ((1, 10), (2, 30), (3, 20)):
        store.append([begun(version)], (), recorded_at=at(minute))

    known = [store.position(known_at=at(minute)) for minute in (5, 10, 25, 30)]

    assert known == [0, 1, 1, 3]


def test_one_event_is_found_by_its_version(store: Store) -> None:
    store.append([begun(1), begun(2)], (), recorded_at=at(0))

    found = store.event_at("sync:c:s", 2)

    assert found is not None
    assert (found.version, found.position) == (2, 2)
    assert store.event_at("sync:c:s", 3) is None
    assert store.event_at("sync:c:other", 1) is None
    assert (store.version_of("sync:c:s"), store.version_of("sync:c:o")) == (2, 0)


def test_positions_are_chosen_by_topic_and_bound(store: Store) -> None:
    other = "case.evidence-released"
    assert other != SyncStarted.TOPIC
    store.append([begun(n) for n in range(1, 6)], (), recorded_at=at(0))

    topics = [SyncStarted.TOPIC]
    assert store.positions_of("c", until=3) == [1, 2, 3]
    assert store.positions_of("c", until=9, topics=topics) == [1, 2, 3, 4, 5]
    assert store.positions_of("c", until=9, topics=[other]) == []
    assert store.positions_of("d", until=9) == []
    assert store.positions_after(2, until=4, topics=topics) == [3, 4]
    assert store.positions_after(2, until=4, topics=[]) == []


def test_positions_of_a_topic_are_in_order_however_many_events_there_are(
    store: Store,
) -> None:
    companies = [f"c{n % 7}" for n in range(1, 1501)]
    events = [
        Envelope(stream_name("sync", company, f"s{n}"), 1, STARTED)
        for n, company in enumerate(companies, start=1)
    ]
    store.append(events, (), recorded_at=at(0))

    found = store.positions_after(200, until=1490, topics=[SyncStarted.TOPIC])

    assert found == [*range(201, 1491)]
    assert store.positions_after(200, until=1490, topics=["another"]) == []


def test_companies_are_those_of_the_events_between_two_positions(store: Store) -> None:
    companies = ["c", "", "An: odd/company ä", "c", "d"]
    for number, company in enumerate(companies):
        name = stream_name("sync", company, f"s{number}")
        store.append([Envelope(name, 1, STARTED)], (), recorded_at=at(0))

    assert store.companies_after(0, until=5) == ["", "An: odd/company ä", "c", "d"]
    assert store.companies_after(2, until=4) == ["An: odd/company ä", "c"]
    assert store.companies_after(4, until=99) == ["d"]
    assert store.companies_after(5, until=99) == []
    assert store.companies_after(3, until=2) == []


def test_a_batch_is_read_on_until_nothing_is_left(store: Store) -> None:
    """Also where its events are large: they come in several reads, in order."""
    large = SyncStarted(at=at(0), evidence="e" * 300_000)
    envelopes = [Envelope("sync:c:s", n, large) for n in range(1, 41)]
    store.append(envelopes, (), recorded_at=at(0))

    found: list[int] = []
    reads = 0
    while batch := store.stored_after(found[-1] if found else 0):
        found += [event.position for event in batch]
        reads += 1

    assert found == [*range(1, 41)]
    assert reads > 1


def test_recall_says_what_is_stored_and_what_happened_to_the_rest(
    store: Store,
) -> None:
    store.append([begun(1)], [filled(b"known")], recorded_at=at(0))
    store.append([Envelope("sync:c:t", 1, STARTED)], (), recorded_at=at(1))

    known, streams = store.recall(
        [(b"e" * 32, ["sync:c:t"]), (b"f" * 32, ["sync:c:s", "sync:c:none"])]
    )

    assert known == {b"e" * 32: None}
    assert [event.version for event in streams["sync:c:s"]] == [1]
    assert not streams.get("sync:c:none")
    assert "sync:c:t" not in streams


def test_a_closed_store_leaves_others_at_work(store: Store, store_url: str) -> None:
    open_store(store_url, create=False).close()

    store.append([begun(1)], (), recorded_at=at(0))

    assert store.position() == 1


def test_many_may_use_one_store_at_once(store: Store) -> None:
    def use(number: int) -> int:
        store.append([Envelope(f"sync:c:{number}", 1, STARTED)], (), recorded_at=at(0))
        return len(store.stream(f"sync:c:{number}"))

    with ThreadPoolExecutor(24) as threads:  # more than a pool has connections
        assert [*threads.map(use, range(60))] == [1] * 60

    assert store.position() == 60


def test_migrating_a_store_that_is_up_to_date_changes_nothing(
    store: Store, store_url: str, engine: str
) -> None:
    store.append([begun(1)], [filled(b"x")], recorded_at=at(0))

    if engine != "postgresql-writer":
        assert migrate(store_url) == []
    assert store.position() == 1
    assert store.evidence(b"e" * 32) is not None


@pytest.mark.parametrize("url", ["mysql://x", "sqlite:///", "books.db", "postgresql:x"])
def test_a_url_that_names_no_store_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError, match="is not the URL of a store"):
        open_store(url, create=True)


def test_a_store_that_is_not_there_is_named(tmp_path: Path) -> None:
    elsewhere = with_parameter(postgres_server(), "schema=none")
    for url in (f"sqlite:///{tmp_path / 'none'}", elsewhere):
        with pytest.raises(NoStoreError, match=r"there is no store at .*none"):
            open_store(url, create=False)


def test_what_was_received_twice_is_one_piece_at_two_times(store: Store) -> None:
    early, late = (
        Evidence(
            identity=b"d" * 32,
            kind="delivery",
            observed_at=at(minute),
            company_id="c",
            request_body=b"hook",
        )
        for minute in (1, 2)
    )
    store.append([begun(1)], [late], recorded_at=at(3))
    store.append([begun(2)], [early], recorded_at=at(4))

    found = store.evidence(b"d" * 32)

    assert found is not None
    assert found.observed_at == at(1)
    times = [receipt.evidence.observed_at for receipt in store.receipts(b"d" * 32)]
    assert times == [at(1), at(2)]
    assert [key.identity for key in store.evidence_keys()] == [b"d" * 32]
    assert store.evidence_counts() == {("delivery", ""): 1}
