"""The views on every engine: written once, overtaken, begun anew, read at once."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconcile import Reconciler, read_lines, to_data
from reconcile.domain.identity import stream_name
from reconcile.projections.rows import (
    DatasetRow,
    DeliveryRow,
    ItemRow,
    ItemRows,
    MendedRow,
    RefusedRow,
)
from reconcile.storage.codec import Envelope
from reconcile.storage.ports import OvertakenError, Store, ViewChanges
from tests.builders import at, create, page, row, status, uuid_of
from tests.storage.opened import STARTED, begun

LABEL = "a ruleset; deadlines"


def item(company: str, name: str, *, state: str = "open") -> ItemRow:
    """Return the row of an expense."""
    columns = (state, None, "", None, None, None, 1, 0, None, "WAIT", None, None, None)
    return ItemRow(company, name, *columns, b"[[],[],[],[],[]]")


def items(company: str, names: Sequence[str], *, state: str = "open") -> ItemRows:
    """Return the rows of expenses that are alike."""
    _, _, *columns, facts = item(company, "", state=state)
    return ItemRows(
        company_id=company,
        transaction_ids=[*names],
        columns=tuple(columns),
        facts=facts,
    )


def fold(store: Store, changes: ViewChanges, *, company: str = "c") -> int:
    """Write what one more event of a company is said to change; its position."""
    stream = stream_name("sync", company, "s")
    version = store.version_of(stream) + 1
    store.append([Envelope(stream, version, STARTED)], (), recorded_at=at(0))
    until = store.position()
    store.views().begin_anew_unless(LABEL)
    with store.views().claim(until=until) as claim:
        assert claim is not None
        assert [event.position for event in claim.stored][-1] == until
        claim.write(changes, position=until)
    return until


def test_rows_and_position_are_written_at_once_and_read_back(store: Store) -> None:
    changes = ViewChanges(
        items=[items("c", ["a"]), items("c", ["d", "b", "e", "f", "g"])],
        datasets=[DatasetRow("d", "set", None, 3, b"{}")],
        refused=[RefusedRow("c", "", b"[]"), RefusedRow("b", "s", b"[]")],
        mended=[MendedRow("e", "f", b"[]")],
        deliveries=[DeliveryRow("m1", digest, "c", "s") for digest in ("b", "a")],
        poisoned=[(7, "it has a \0 in it"), (3, "no JSON")],
        newest=at(5),
    )

    position = fold(store, changes)

    with store.reading() as read:
        assert read.position() == position == 1
        assert read.is_even()
        assert [row.transaction_id for row in read.items("c")] == [*"abdefg"]
        assert item("c", "d") in read.items("c")
        assert [*read.datasets("d")] == changes.datasets
        assert sorted(read.refused()) == sorted(changes.refused)
        assert [*read.refused("c")] == changes.refused[:1]
        assert [*read.mended("e")] == changes.mended
        assert read.deliveries() == sorted(changes.deliveries)
        assert [position for position, _ in read.poisoned()] == [3, 7]
        assert read.newest() == at(5)
        assert read.companies() == ["b", "c", "d", "e"]
        assert read.companies("items") == ["c"]
        assert [*read.items("nobody")] == []


def test_a_row_replaces_the_one_of_its_key_and_is_gone_when_said(
    store: Store,
) -> None:
    fold(store, ViewChanges(items=[items("c", ["a", "b"])]))

    again = ViewChanges(
        items=[items("c", ["a", "x", "y", "z", "w"], state="matched")],
        gone=[("items", "c", "b")],
        newest=at(1),
    )
    fold(store, again)
    fold(store, ViewChanges(newest=at(0)))

    with store.reading() as read:
        states = {row.transaction_id: row.state for row in read.items("c")}
        assert states == dict.fromkeys("awxyz", "matched")
        assert read.newest() == at(1)  # the latest, whatever came last


def test_a_delivery_that_was_silenced_is_gone(store: Store) -> None:
    some = [DeliveryRow("m", digest, "c", "s") for digest in "abc"]
    fold(store, ViewChanges(deliveries=some))

    fold(store, ViewChanges(silenced=[("c", "s", "b")]))

    with store.reading() as read:
        assert [row.body_digest for row in read.deliveries()] == ["a", "c"]


def test_of_projectors_that_fold_at_once_each_event_is_written_by_one(
    store: Store,
) -> None:
    together = threading.Barrier(4)
    companies = [f"company-{n}" for n in range(12)]
    events = [Envelope(f"sync:{name}:s", 1, STARTED) for name in companies]
    store.append(events, (), recorded_at=at(0))
    until = store.position()

    def project(number: int) -> int:
        views, wrote = store.views(), 0
        together.wait()
        while True:
            try:
                with views.claim(until=until) as claim:
                    if claim is None:
                        return wrote
                    rows = [
                        items(
                            event.stream.split(":")[1], [f"{event.position} {number}"]
                        )
                        for event in claim.stored
                    ]
                    last = claim.stored[-1].position
                    claim.write(ViewChanges(items=rows), position=last)
                    wrote += len(rows)
            except OvertakenError:
                pass

    store.views().begin_anew_unless(LABEL)
    with ThreadPoolExecutor(4) as threads:
        wrote = [*threads.map(project, range(4))]

    with store.reading() as read:
        names = [row.transaction_id for name in companies for row in read.items(name)]
        assert (read.position(), read.is_even()) == (until, True)
    assert [int(name.split()[0]) for name in names] == [*range(1, 13)]
    assert sum(wrote) == 12


def test_a_claim_that_ends_before_it_writes_is_given_to_the_next(
    store: Store,
) -> None:
    store.append([begun(1)], (), recorded_at=at(0))
    views = store.views()
    views.begin_anew_unless(LABEL)

    def stumble() -> None:
        with views.claim(until=1) as claim:
            assert claim is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()

    with views.claim(until=1) as claim:
        assert claim is not None
        assert [event.position for event in claim.stored] == [1]
        claim.write(ViewChanges(items=[items("c", ["a"])]), position=1)
    with views.claim(until=1) as claim:
        assert claim is None


def test_views_of_another_label_are_emptied_and_of_the_same_they_stay(
    store: Store,
) -> None:
    fold(store, ViewChanges(items=[items("c", ["a"])]))

    views = store.views()
    views.begin_anew_unless(LABEL)
    with store.reading() as read:
        assert (read.position(), read.companies()) == (1, ["c"])

    views.begin_anew_unless("another")
    with store.reading() as read:
        assert (read.position(), read.companies()) == (0, [])


def test_a_read_sees_one_moment_while_a_writer_commits(store: Store) -> None:
    names = [uuid_of(n) for n in range(10)]
    fold(store, ViewChanges(items=[items("c", names)]))

    with store.reading() as read:
        before = read.position()
        changes = ViewChanges(items=[items("c", names, state="matched")])
        fold(store, changes)
        store.views().begin_anew_unless("another")
        states = {row.state for row in read.items("c")}
        after = read.position()

    assert (before, after, states) == (1, 1, {"open"})
    with store.reading() as read:
        assert read.position() == 0


def test_a_company_of_many_rows_is_read_whole_and_in_order(store: Store) -> None:
    names = [f"{n:05d}" for n in range(4500)]
    fold(store, ViewChanges(items=[items("c", names[::-1])]))

    with store.reading() as read:
        found = [row.transaction_id for row in read.items("c")]
        wanted = {"c": [*names[:3], "unknown"], "nobody": ["x"]}
        facts = [*read.facts("items", wanted)]

    assert found == names
    assert {(c, name) for c, name, _ in facts} == {("c", name) for name in names[:3]}
    assert len(facts) == 3


def test_ids_are_ordered_by_their_code_points_on_every_engine(
    books: Reconciler,
) -> None:
    names = ["b", "B", "a", "ä", "_", "é", "Z", "1", "-", "ß", "\U0001f9fe", "\uffee"]
    companies = ["Zulu", "alpha", "Ärger", "b-2", "b_1"]
    lines = [
        entry
        for number, company in enumerate(companies)
        for entry in (
            create(*names, sync=f"s{number}", company=company),
            status(2000, minutes=2, sync=f"s{number}", company=company),
            page(*map(row, names), minutes=3, sync=f"s{number}", company=company),
        )
    ]

    books.ingest(read_lines(lines))

    live = books.report(as_of=None)
    order = [(found.company_id, found.transaction_id) for found in live.items]
    assert order == sorted((c, n) for c in companies for n in names)
    replayed = books.replayed_report(as_of=live.as_of)
    assert to_data(live) == to_data(replayed)


def test_names_with_a_nul_or_half_a_character_are_the_same_in_both_reports(
    books: Reconciler,
) -> None:
    odd = ["a\u0000b", "half \ud83e", "\ufeffbom", "tab\t"]
    lines = [create(*odd), status(2000, minutes=2), page(*map(row, odd), minutes=3)]

    books.ingest(read_lines(lines))

    live = books.report()
    assert len(live.items) == len(odd)
    assert to_data(live) == to_data(books.replayed_report(as_of=live.as_of))
    assert books.tie_out(evidence=True).differences == []
