"""A webhook that a person sets aside says nothing from then on, and is still there."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from reconcile import Reconciler, UsageError, read_lines
from tests.builders import COMPANY, at, create, hook, page, row, status
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


EXAMPLE = hook(
    "expenses.sync.unsuccessful",
    ("e1", "PushError", "an example"),
    ("e2", "Completed"),
    minutes=5,
    delivery="msg_1",
    sync="nobodys",
    company="nobody",
)
LATER = at(1000)
TRUE = [create("t1"), status(2000, minutes=6), page(row("t1"), minutes=6)]


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Reconciler]:
    store = url_at(tmp_path / "books.db")
    with Reconciler.open(store, now=lambda: at(100)) as opened:
        yield opened


def digest_of(books: Reconciler, transaction: str, place: int = 0) -> str:
    """Return the digest of a webhook, as `explain` tells it."""
    (story,) = books.explain(transaction, as_of=LATER)
    heard = [e for e in story.entries if e.source == "webhook"]
    return heard[place].digest


def known(books: Reconciler, *, as_of: datetime = LATER) -> dict[str, str]:
    """Return the state of each expense there is."""
    report = books.report(as_of=as_of)
    return {row.transaction_id: row.item.state.value for row in report.items}


def test_what_a_webhook_said_is_left_out_once_a_person_sets_it_aside(
    books: Reconciler,
) -> None:
    books.ingest(read_lines([*TRUE, EXAMPLE]))
    assert known(books) == {"t1": "matched", "e1": "break", "e2": "matched"}

    books.set_aside(digest_of(books, "e1"), actor="ada", reason="Codat's example")

    report = books.report(as_of=LATER)
    assert known(books) == {"t1": "matched"}
    assert {sync.company_id for sync in report.syncs} == {COMPANY}
    assert books.tie_out().differences == []


def test_a_report_of_a_moment_before_the_decision_has_what_it_had(
    books: Reconciler,
) -> None:
    books.ingest(read_lines([*TRUE, EXAMPLE]))
    before = known(books, as_of=at(50))
    books.set_aside(digest_of(books, "e1"), actor="ada", reason="Codat's example")

    assert before == {"t1": "matched", "e1": "break", "e2": "matched"}
    assert known(books, as_of=at(50)) == before
    assert known(books, as_of=at(100)) == {"t1": "matched"}


def test_the_same_bytes_say_nothing_however_often_they_come_again(
    books: Reconciler,
) -> None:
    books.ingest(read_lines([EXAMPLE]))
    books.set_aside(digest_of(books, "e1"), actor="ada", reason="Codat's example")
    again = hook(
        "expenses.sync.unsuccessful",
        ("e1", "PushError", "an example"),
        ("e2", "Completed"),
        minutes=120,
        delivery="msg_2",
        sync="nobodys",
        company="nobody",
    )

    books.ingest(read_lines([EXAMPLE, again]))

    assert known(books) == {}
    assert [case.decision for case in books.cases()] == ["set aside"]
    assert books.tie_out().differences == []


def test_what_else_is_known_of_an_expense_counts_as_ever(books: Reconciler) -> None:
    wrong = hook("expenses.sync.unsuccessful", ("t1", "PushError", "no"), minutes=9)
    other = hook("expenses.sync.unsuccessful", ("t2", "PushError", "no"), minutes=9)
    books.ingest(read_lines([*TRUE, wrong, other]))
    before = known(books)

    books.set_aside(digest_of(books, "t1"), actor="ada", reason="sent by mistake")

    assert before["t2"] == "break"
    assert known(books) == {"t1": "matched", "t2": "break"}
    assert books.tie_out().differences == []


def test_a_webhook_that_comes_later_speaks_for_itself(books: Reconciler) -> None:
    books.ingest(read_lines([EXAMPLE]))
    books.set_aside(digest_of(books, "e1"), actor="ada", reason="Codat's example")
    true = hook(
        "expenses.sync.unsuccessful",
        ("e1", "PushError", "another"),
        minutes=130,
        sync="nobodys",
        company="nobody",
    )

    books.ingest(read_lines([true]))

    assert known(books) == {"e1": "break"}
    assert books.tie_out().differences == []


def test_the_story_says_who_set_a_webhook_aside_and_why(books: Reconciler) -> None:
    wrong = hook("expenses.sync.unsuccessful", ("t1", "PushError", "no"), minutes=9)
    books.ingest(read_lines([*TRUE, wrong]))
    books.set_aside(digest_of(books, "t1"), actor="ada", reason="sent by mistake")

    (story,) = books.explain("t1", as_of=LATER)

    assert [(e.at, e.text) for e in story.entries if e.source == "decision"] == [
        (at(100), "set aside by ada: sent by mistake")
    ]


def test_only_what_is_unread_or_a_webhook_that_counts_can_be_set_aside(
    books: Reconciler,
) -> None:
    books.ingest(read_lines([*TRUE, EXAMPLE]))
    answer = next(
        e.digest
        for story in books.explain("t1", as_of=LATER)
        for e in story.entries
        if e.source == "page"
    )
    heard = digest_of(books, "e1")
    books.set_aside(f"sha256:{heard}", actor="ada", reason="Codat's example")

    for digest in (answer, heard, "rubbish", "", "0" * 64, "é" * 64):
        with pytest.raises(UsageError, match="cannot be set aside, expected"):
            books.set_aside(digest, actor="ada", reason="again")


def test_when_the_same_bytes_came_does_not_count(books: Reconciler) -> None:
    """A set of evidence and decisions, in any order, makes one past and one present."""
    earlier = hook(
        "expenses.sync.unsuccessful",
        ("e1", "PushError", "an example"),
        ("e2", "Completed"),
        minutes=2,
        delivery="msg_0",
        sync="nobodys",
        company="nobody",
    )
    books.ingest(read_lines([EXAMPLE]))
    before = known(books, as_of=at(3))
    books.set_aside(digest_of(books, "e1"), actor="ada", reason="Codat's example")

    books.ingest(read_lines([earlier]))

    assert before == {}
    assert known(books, as_of=at(3)) == {"e1": "break", "e2": "matched"}
    assert known(books) == {}
    tied = books.tie_out(evidence=True)
    assert tied.evidence is not None
    assert (tied.differences, tied.evidence.first) == ([], [])


def test_a_delivery_that_was_set_aside_is_no_second_body_of_an_id(
    books: Reconciler,
) -> None:
    other = hook("expenses.sync.successful", minutes=6, delivery="msg_1")
    books.ingest(read_lines([other, EXAMPLE]))
    number = len(books.report(as_of=LATER).findings)

    books.set_aside(digest_of(books, "e1"), actor="ada", reason="Codat's example")

    assert number > 0
    assert books.report(as_of=LATER).findings == []
    assert books.replayed_report(as_of=LATER).findings == []
    books.ingest(read_lines([EXAMPLE.replace(b"msg_1", b"msg_9"), EXAMPLE]))
    assert books.report(as_of=LATER).findings == []
    assert books.tie_out().differences == []
