"""What people decide of expenses: it ends them, releases them, and can be undone."""

import itertools
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from reconcile import Reconciler, UsageError, read_lines
from reconcile.domain.vocabulary import FindingKind
from reconcile.report.story import story_data
from reconcile.report.wire import causes_data, to_data
from tests.builders import (
    COMPANY,
    at,
    create_of,
    expense_of,
    page,
    push_of,
    row,
    status,
)
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


ARCHIVED = "the account is archived"
FAILED = [
    create_of(*[expense_of(f"t{n}") for n in (1, 2, 3)]),
    status(5130, minutes=2),
    page(
        row("t1", "PushError", message=ARCHIVED),
        row("t2", "PushError", message=ARCHIVED),
        row("t3"),
        minutes=3,
    ),
]
AGAIN = [
    create_of(expense_of("t1"), minutes=200, sync="s2"),
    status(5130, minutes=202, sync="s2"),
    page(row("t1", "PushError", message="locked"), minutes=203, sync="s2"),
]
WRITTEN = [
    create_of(expense_of("t1"), minutes=200, sync="s2"),
    status(2000, minutes=202, sync="s2"),
    page(row("t1"), minutes=203, sync="s2"),
]
LATER = at(1000)


class Books:
    """A reconciler whose clock is set by hand."""

    def __init__(self, path: Path) -> None:
        self.now = at(100)
        self.books = Reconciler.open(url_at(path), now=lambda: self.now)

    def decide(
        self,
        decision: str,
        *transactions: str,
        company_id: str = COMPANY,
        cause: str | None = None,
        to: str | None = None,
        actor: str = "ada",
        reason: str = "as agreed",
        seen: str | None = None,
    ) -> None:
        """Decide of expenses of the usual company."""
        self.books.decide(
            decision,
            company_id=company_id,
            transactions=transactions,
            cause=cause,
            to=to,
            actor=actor,
            reason=reason,
            seen=seen,
        )

    def states(self, moment: datetime = LATER) -> dict[str, str]:
        """Return state and verdict of each expense, live and by a replay the same."""
        live = self.books.report(as_of=moment)
        replayed = self.books.replayed_report(as_of=moment)
        assert to_data(live) == to_data(replayed)
        assert self.books.tie_out(evidence=True).differences == []
        return {
            r.transaction_id: f"{r.item.state.value} {r.item.verdict.value}"
            for r in live.items
        }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Books]:
    created = Books(tmp_path / "books.db")
    with created.books:
        created.books.ingest(read_lines(FAILED))
        yield created


@pytest.mark.parametrize(
    ("decision", "given"),
    [("booked", {}), ("waive", {}), ("moved", {"to": "another"})],
)
def test_an_expense_that_a_person_ended_is_resolved_until_it_is_reopened(
    desk: Books, decision: str, given: dict[str, str]
) -> None:
    desk.decide(decision, "t1", **given)
    ended = desk.states()
    desk.now = at(150)
    desk.decide("reopen", "t1")

    assert ended["t1"] == "resolved NEVER"
    assert ended["t2"] == "break FIX_FIRST"
    assert desk.states()["t1"] == "break FIX_FIRST"
    assert desk.states(at(120))["t1"] == "resolved NEVER"
    assert desk.states(at(50))["t1"] == "break FIX_FIRST"


def test_what_was_decided_is_in_the_report_and_in_the_story(desk: Books) -> None:
    desk.decide("moved", "t1", to="another")
    desk.decide("note", "t1", reason="the customer was told")

    report = desk.books.report(as_of=LATER)
    (story,) = desk.books.explain("t1", as_of=LATER)

    data = next(i for i in to_data(report)["items"] if i["transaction_id"] == "t1")
    assert data["resolution"] == {
        "kind": "moved",
        "actor": "ada",
        "reason": "as agreed",
        "at": "2026-03-02T10:40:00.000000Z",
    }
    assert "It was moved to company another (ada" in data["reason"]
    assert [e.text for e in story.entries if e.source == "decision"] == [
        "moved another by ada: as agreed",
        "noted by ada: the customer was told",
    ]


def test_an_expense_reopens_when_it_fails_again(desk: Books) -> None:
    desk.decide("waive", "t1")

    desk.books.ingest(read_lines(AGAIN))

    assert desk.states()["t1"] == "break FIX_FIRST"
    (story,) = desk.books.explain("t1", as_of=LATER)
    assert "ada had ended it as waived on" in story.item.reason


def test_what_codat_says_again_of_the_same_failure_reopens_nothing(
    desk: Books,
) -> None:
    desk.decide("booked", "t1")

    desk.books.ingest(read_lines([status(5130, minutes=300), *FAILED]))

    assert desk.states()["t1"] == "resolved NEVER"
    assert desk.states(at(60 * 24 * 60))["t1"] == "resolved NEVER"


@pytest.mark.parametrize(("decision", "doubled"), [("booked", True), ("waive", False)])
def test_what_is_written_after_all_is_matched_and_a_second_entry_is_told(
    desk: Books, decision: str, *, doubled: bool
) -> None:
    desk.decide(decision, "t1")

    desk.books.ingest(read_lines(WRITTEN))

    report = desk.books.report(as_of=LATER)
    kinds = {f.kind for f in report.findings if f.transaction_id == "t1"}
    assert desk.states()["t1"] == "cleared NEVER"
    assert (FindingKind.WRITTEN_TWICE in kinds) == doubled


def test_a_cause_that_is_mended_releases_all_that_failed_so_before(
    desk: Books,
) -> None:
    (fingerprint,) = {g.fingerprint for g in desk.books.causes(as_of=LATER)}
    before = desk.books.causes(as_of=LATER)[0].mended

    desk.decide("mended", cause=str(fingerprint))

    assert desk.states()["t1"] == desk.states()["t2"] == "break RESEND"
    assert (before, desk.books.causes(as_of=LATER)[0].mended) == (False, True)
    assert desk.states(at(50))["t1"] == "break FIX_FIRST"


def test_what_fails_after_it_was_mended_is_held_again(desk: Books) -> None:
    desk.decide("mended", "t1")
    again = [
        create_of(expense_of("t1"), minutes=200, sync="s2"),
        status(5130, minutes=202, sync="s2"),
        page(row("t1", "PushError", message=ARCHIVED), minutes=203, sync="s2"),
    ]

    desk.books.ingest(read_lines(again))

    assert desk.states()["t1"] == "break FIX_FIRST"
    assert desk.states()["t2"] == "break RESEND"
    (group,) = desk.books.causes(as_of=LATER)
    assert (group.items, group.released, group.mended) == (2, 1, False)


def test_a_decision_by_cause_is_of_every_break_of_it(desk: Books) -> None:
    desk.decide("booked", cause="account_archived")

    assert desk.states() == {
        "t1": "resolved NEVER",
        "t2": "resolved NEVER",
        "t3": "matched NEVER",
    }


BAD: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "no such decision": (("forget", "t1"), {}, "is not a decision, expected one of"),
    "nothing named": (("waive",), {}, "neither of expenses and a cause were given"),
    "both named": (("waive", "t1"), {"cause": "x"}, "both of expenses and a cause"),
    "unknown": (("waive", "t1", "t9"), {}, "transaction t9 is not known in company"),
    "another company's": (("waive", "t1"), {"company_id": "c"}, "is not known"),
    "unknown cause": (("mended",), {"cause": "fp2:0"}, "has the cause fp2:0"),
    "no actor": (("waive", "t1"), {"actor": " "}, "the actor is blank"),
    "no reason": (("waive", "t1"), {"reason": ""}, "the reason is blank"),
    "in the books": (("booked", "t1", "t3"), {}, "t3 is in the books, expected"),
    "never failed": (("mended", "t3"), {}, "t3 is in the books, expected a failure"),
    "not ended": (("reopen", "t1"), {}, "is break FAILED, expected a resolved one"),
    "a cause reopened": (("reopen",), {"cause": "x"}, "expected expenses"),
    "nowhere": (("moved", "t1"), {}, "no company was given"),
    "to itself": (("moved", "t1"), {"to": COMPANY.upper()}, "is in company"),
    "to, but not moved": (("waive", "t1"), {"to": "x"}, "was given with waive"),
    "seen otherwise": (("waive", "t1"), {"seen": "sha256:0"}, "has changed: now t1 is"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_is_refused_and_nothing_is_stored(
    desk: Books, name: str
) -> None:
    what, given, words = BAD[name]
    position = desk.books.store.position()

    with pytest.raises(UsageError, match=words):
        desk.decide(*what, **given)

    assert desk.books.store.position() == position


def test_nobody_ends_an_expense_that_is_under_way(desk: Books) -> None:
    desk.books.ingest(read_lines([create_of(expense_of("t4"), minutes=90, sync="s4")]))

    with pytest.raises(UsageError, match="t4 is under way, expected"):
        desk.decide("booked", "t4")


def test_what_was_handed_over_and_never_sent_may_be_let_go(desk: Books) -> None:
    desk.books.ingest(read_lines([push_of(expense_of("t5"), minutes=1)]))

    desk.decide("waive", "t5")

    assert desk.states()["t5"] == "resolved NEVER"


def test_a_decision_holds_for_what_its_maker_saw_alone(desk: Books) -> None:
    (story,) = desk.books.explain("t1")
    (cause,) = causes_data(desk.books.report())["causes"]
    seen = story_data(story)["seen"]

    desk.books.ingest(read_lines([FAILED[2].replace(b"09:03:", b"09:33:")]))
    desk.decide("note", "t1", seen=seen)
    desk.decide("note", cause=cause["fingerprint"], seen=cause["seen"])
    desk.books.ingest(read_lines(AGAIN))
    desk.now = at(300)

    with pytest.raises(UsageError, match=r"what was seen .* has changed"):
        desk.decide("waive", "t1", seen=seen)


def test_all_decisions_are_listed(desk: Books) -> None:
    desk.decide("mended", "t1")
    desk.now = at(110)
    desk.decide("moved", "t2", to="another")
    desk.now = at(120)
    desk.decide("reopen", "t2")

    found = list(desk.books.cases(COMPANY))

    assert [(c.decision, c.about, c.to, c.at) for c in found] == [
        ("mended", found[0].about, None, at(100)),
        ("moved", "t2", "another", at(110)),
        ("reopened", "t2", None, at(120)),
    ]
    assert found[0].about.startswith("fp2:")
    assert list(desk.books.cases("another")) == []


def test_a_report_is_a_function_of_a_set_of_evidence_and_decisions(
    tmp_path: Path,
) -> None:
    found = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        desk = Books(tmp_path / f"{number}.db")
        with desk.books:
            desk.books.ingest(read_lines(FAILED))
            for step in order:
                match step:
                    case 0:
                        desk.now = at(100)
                        desk.decide("note", "t1")
                        desk.decide("mended", "t2")
                    case 1:
                        desk.now = at(110)
                        if desk.books.report(as_of=LATER).totals.broken:
                            desk.decide("waive", "t2")
                    case _:
                        desk.books.ingest(read_lines(AGAIN))
            states = desk.states()
            data = to_data(desk.books.report(as_of=LATER))
            found.add((data["digest"], *sorted(states.items())))

    assert len(found) == 1
