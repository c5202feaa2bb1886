"""What a report tells beside its items: sections 1, 5 and 6 of the judgement page."""

from tests.builders import (
    TRANSACTION,
    at,
    create,
    entry,
    hook,
    page,
    push,
    row,
    status,
    url,
    uuid_of,
)
from tests.judgement.memory import Memory

ONE, TWO = uuid_of(1), uuid_of(2)
SENT = create(ONE)


def found(*lines: bytes, as_of: float = 100) -> list[tuple[str, str | None]]:
    """Return each finding's kind and expense."""
    memory = Memory()
    memory.take(lines)
    findings = memory.report(at(as_of)).findings
    return [(finding.kind.value, finding.transaction_id) for finding in findings]


def state(*lines: bytes) -> str:
    """Return the state of the one expense, whatever is found beside it."""
    memory = Memory()
    memory.take(lines)
    (item,) = memory.items(at(100)).values()
    return item.state.value


def test_sources_that_agree_are_no_finding() -> None:
    assert found(status(2000), hook("expenses.sync.successful", minutes=1)) == []


def test_a_status_and_a_webhook_that_disagree_are_a_finding_and_no_conflict() -> None:
    disagree = (
        SENT,
        page(row(ONE), minutes=3),
        status(2000, minutes=2),
        hook("expenses.sync.unsuccessful", minutes=1, generated=1),
    )

    assert found(*disagree) == [("SOURCES_DISAGREE", None)]
    assert found(*disagree, as_of=1) == []
    assert state(*disagree) == "matched"


def test_a_webhook_alone_disagrees_with_nothing() -> None:
    running = status(1000)

    assert found(running, hook("expenses.sync.unsuccessful", minutes=1)) == []


def test_codes_and_events_that_nobody_knows_are_findings() -> None:
    odd = [status(7777), hook("expenses.sync.paused", minutes=3, generated=3)]

    assert found(*odd) == [("UNRECOGNISED", None)] * 2
    assert found(*odd, as_of=2) == [("UNRECOGNISED", None)]


def test_a_listing_that_drifts_is_a_finding_from_then_on() -> None:
    drifted = (
        status(2000),
        page(row(ONE), minutes=3),
        page(row(ONE), row(TWO), minutes=5),
    )

    assert found(*drifted) == [("LISTING_DRIFT", None)]
    assert found(*drifted, as_of=4) == []


def test_a_row_that_vanishes_is_a_finding_and_not_missing() -> None:
    vanished = (
        SENT,
        page(row(ONE), minutes=1),
        status(2000, minutes=2),
        page(minutes=5),
    )

    assert found(*vanished) == [("ROW_VANISHED", ONE)]
    assert found(*vanished, as_of=4) == []
    assert state(*vanished) == "matched"


def test_a_body_that_names_another_sync_is_a_mismatch_and_the_url_decides() -> None:
    body = {"syncId": TRANSACTION, "syncStatusCode": 2000}
    line = entry("GET", url(f"/syncs/{TWO}/status"), answer=body, minutes=2)
    memory = Memory()
    memory.take([line])

    report = memory.report(at(9))

    assert [finding.kind.value for finding in report.findings] == ["IDENTITY_MISMATCH"]
    assert [sync.sync_id for sync in report.syncs] == [TWO]
    assert found(line, as_of=1) == []


def test_one_delivery_id_with_two_bodies_is_a_finding_and_both_count() -> None:
    bodies = (
        hook("expenses.sync.successful", (ONE, "Completed"), delivery="m1", minutes=3),
        hook("expenses.sync.unsuccessful", (ONE, "Failed"), delivery="m1", minutes=3),
    )

    assert found(*bodies) == [("SAME_ID_OTHER_BODY", None)]
    assert state(*bodies) == "break"


def test_an_expense_of_a_push_that_cannot_be_read_is_a_finding() -> None:
    line = push(ONE, "", minutes=3)

    assert found(line) == [("UNREADABLE", None)]
    assert found(line, as_of=2) == []


def test_a_row_that_cannot_be_read_is_a_finding_and_the_others_stand() -> None:
    lines = (SENT, status(2000, minutes=2), page(row(ONE), 7, minutes=3))

    assert found(*lines) == [("UNREADABLE", None)]
    assert state(*lines) == "matched"
