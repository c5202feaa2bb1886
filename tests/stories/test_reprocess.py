"""What an older reader could not read is read after all, and counted once."""

import json
from datetime import UTC, datetime

from reconcile import Reconciler, read_lines, to_data
from reconcile.codat.entries import read_entry
from reconcile.domain.case_events import EvidenceQuarantined
from reconcile.history import Batch, History
from reconcile.intake.captures import read_capture
from tests.builders import at, create, page, push, row, start, status, uuid_of
from tests.engines import tables_of

NOW = datetime(2026, 3, 3, tzinfo=UTC)
LINES = [push(uuid_of(1), minutes=0), start(minutes=1), status(2000, minutes=5)]
UNREAD = page(row(uuid_of(1)), minutes=6)


def quarantine(books: Reconciler, line: bytes) -> None:
    """Put a readable exchange aside, as a reader would that does not know its shape."""
    piece = read_capture(read_entry(line))
    assert piece is not None
    batch = Batch(evidence=[piece.evidence])
    identity = piece.evidence.identity.hex()
    event = EvidenceQuarantined(digest=identity, reason="too new", evidence=identity)
    history = History(books.store)
    history.add_case_event(batch, piece.evidence.company_id, identity, event)
    history.commit(batch, now=NOW)


def test_what_can_be_read_now_is_released_and_judged(books: Reconciler) -> None:
    books.ingest(read_lines(LINES))
    quarantine(books, UNREAD)
    before = to_data(books.report(as_of=at(60)))

    result = books.reprocess()

    after = to_data(books.report(as_of=at(60)))
    assert (result.read, result.quarantined) == (1, 0)
    assert (before["unprocessed"], after["unprocessed"]) == (1, 0)
    states = [report["items"][0]["state"] for report in (before, after)]
    assert states == ["open", "matched"]


def test_reprocessing_twice_reads_nothing_twice(books: Reconciler) -> None:
    quarantine(books, UNREAD)
    books.reprocess()

    again = books.reprocess()

    assert (again.read, again.quarantined) == (0, 0)
    assert books.ingest(read_lines([UNREAD])).seen_before == 1


def test_what_still_cannot_be_read_stays_and_is_told(books: Reconciler) -> None:
    books.ingest(read_lines([b"rubbish", status(2000, minutes=5)]))

    result = books.reprocess(progress=lambda _: None)

    assert (result.read, result.quarantined) == (0, 1)
    assert to_data(books.report(as_of=at(60)))["unprocessed"] == 1


def without_its_answer(line: bytes) -> bytes:
    """Return an entry whose response body the capture left out."""
    captured = json.loads(line)
    captured["response"]["content"] = {"size": 512}
    return json.dumps(captured).encode()


def test_a_body_left_out_is_known_whatever_the_stored_reason_says(
    books: Reconciler, store_url: str
) -> None:
    books.ingest(read_lines([without_its_answer(status(2000))]))
    with tables_of(store_url) as tables:
        ((state,),) = tables.rows("SELECT state FROM stored_events")
        reworded = json.dumps({**json.loads(state), "reason": "reworded"}).encode()
        tables.run("UPDATE stored_events SET state = ?", reworded)

    intake = books.reprocess()

    report = to_data(books.report(as_of=at(60 * 48)))
    assert (intake.read, intake.quarantined) == (0, 1)
    assert (report["unprocessed"], report["syncs"]) == (1, [])


def test_a_write_whose_answer_was_left_out_is_in_doubt(books: Reconciler) -> None:
    """It may have been taken, whatever its status says: it is not refused."""
    write = create(uuid_of(1), minutes=0, status=400, answer={"error": "a duplicate"})

    intake = books.ingest(read_lines([without_its_answer(write)]))

    (item,) = to_data(books.report(as_of=at(60)))["items"]
    assert (intake.read, intake.quarantined) == (1, 0)
    assert (item["kind"], item["retry"]["verdict"]) == ("INDETERMINATE", "WAIT")
