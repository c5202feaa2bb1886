"""The invariant of `projections/judging.py`: shared outlines change no judgement."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial, reduce
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import Reconciler, read_lines
from reconcile.domain.policy import DEFAULT
from reconcile.domain.vocabulary import ItemState
from reconcile.judgement.item import Dossier, Item, Outline
from reconcile.judgement.judge import judge
from reconcile.judgement.verdict import word
from reconcile.projections.judging import (
    Judge,
    judge_as_of,
    judge_by_facts,
    judged,
)
from reconcile.projections.releases import released
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.replay import replay
from reconcile.rules import BUILT_IN
from tests.builders import (
    COMPANY,
    at,
    create,
    hook,
    page,
    push,
    row,
    start,
    status,
    uuid_of,
)
from tests.strategies import crowded, traffic

MESSAGE = "Correlation ID: {}. Message: it was refused."


@settings(max_examples=100)
@given(
    words=st.lists(
        st.tuples(
            st.sampled_from(["Completed", "PushError", "Pending"]),
            st.sampled_from(["Completed", "PushError"]),
            st.integers(0, 12),
        ),
        min_size=4,
        max_size=10,
    ),
    end=st.sampled_from([(2000, 3), (5130, 6), (5130, 0), (2040, 5), (1000, 1)]),
    as_of=st.sampled_from([4, 8, 60, 60 * 29]),
    hooked=st.booleans(),
    pushed=st.integers(0, 4),
    moves=st.integers(0, 3),
)
def test_a_shared_outline_gives_what_judging_each_item_alone_gives(
    words: list[tuple[str, str, int]],
    end: tuple[int, int],
    as_of: int,
    hooked: bool,
    pushed: int,
    moves: int,
) -> None:
    code, ended = end
    lines = [status(code, minutes=ended)]
    for number, (first, second, minutes) in enumerate(words, start=1):
        name = uuid_of(number)
        rows = [row(name, first, "bankfeeds", MESSAGE.format(name)), row(name, second)]
        total = 2 * len(words)
        lines.append(page(*rows, minutes=minutes, number=number, size=2, total=total))
    if hooked:
        lines.append(hook("expenses.sync.unsuccessful", minutes=moves, generated=moves))
    if pushed:
        lines.append(push(*(uuid_of(n) for n in range(1, pushed + 1)), minutes=0))
        lines.append(start(minutes=moves))

    for company_items, alone in both(lines, as_of):
        assert company_items == alone


def both(lines: list[bytes], as_of: int) -> list[tuple[list[Item], list[Item]]]:
    """Return each company's items, judged together and judged alone."""
    found: list[tuple[list[Item], list[Item]]] = []
    with replayed(lines) as states:
        for state in states:
            names = state.company.transactions()
            together = judged(
                state.company,
                state.contexts,
                names,
                judge=judge_as_of(at(as_of), policy=DEFAULT, rules=BUILT_IN),
            )
            alone = [
                judge(
                    state.company.dossier(name, state.contexts),
                    as_of=at(as_of),
                    policy=DEFAULT,
                    rules=BUILT_IN,
                )
                for name in names
            ]
            found.append(([*together], alone))
    return found


@contextmanager
def replayed(lines: list[bytes]) -> Iterator[list[CompanyState]]:
    """Give the companies of some traffic, each replayed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{Path(folder) / 'books.db'}") as books,
    ):
        books.ingest(read_lines(lines))
        yield [*replay(books.store, until=books.store.position())]


FIRST = uuid_of(0)
BY_FACTS = judge_by_facts(policy=DEFAULT, rules=BUILT_IN)


@settings(max_examples=150)
@given(lines=traffic() | crowded(), as_of=st.sampled_from([4, 60, 60 * 29, None]))
def test_no_item_depends_on_which_others_are_judged_with_it(
    lines: list[bytes], as_of: int | None
) -> None:
    how = BY_FACTS
    if as_of is not None:
        how = judge_as_of(at(as_of), policy=DEFAULT, rules=BUILT_IN)

    with replayed(lines) as states:
        for state in states:
            company, contexts = state.company, state.contexts
            names = company.transactions()
            together = judged(company, contexts, names, judge=how)
            alone = [judged(company, contexts, [n], judge=how)[0] for n in names]

            assert together == alone


FAILED = "A validation failed."
OUTAGE = "Correlation ID: {}. Service unavailable(503): The service is unavailable."
EVENT = "expenses.sync.unsuccessful"
TWINS = [
    {FAILED: OUTAGE.format("7c1a")},
    {
        COMPANY: "b18d8d81-fd7b-4764-a31e-475cb1f36591",
        "2026-03-0": "2026-04-0",
        "sync-": "tync-",
        "set-": "tet-",
        "msg-": "nsg-",
        FAILED: OUTAGE.format("95f0"),
    },
    {
        COMPANY: "c18d8d81-fd7b-4764-a31e-475cb1f36591",
        "2026-03-0": "2026-05-0",
        FAILED: "Correlation ID: 11ab. A validation failed.",
    },
    {
        COMPANY: "d18d8d81-fd7b-4764-a31e-475cb1f36591",
        "2026-03-0": "2026-06-0",
        FAILED: "Correlation ID: 0bff. A validation failed.",
    },
]
"""What differs between companies that went through the same."""


@settings(max_examples=150)
@given(lines=traffic() | crowded(), later=st.sampled_from([None, 60 * 24 * 120]))
def test_what_is_judged_by_its_likeness_is_judged_as_alone(
    lines: list[bytes], later: int | None
) -> None:
    how = BY_FACTS
    if later is not None:
        how = judge_as_of(at(later), policy=DEFAULT, rules=BUILT_IN)

    twins_are_judged_as_alone(lines, how)


def test_what_failed_twice_in_several_companies_is_judged_as_alone() -> None:
    again = "sync-b"
    failed = row(FIRST, "PushError", message=FAILED)
    written = row(uuid_of(1), "Completed")
    lines = [
        create(FIRST, uuid_of(1), sync="sync-a"),
        status(5130, minutes=1, sync="sync-a"),
        page(failed, written, minutes=2, sync="sync-a"),
        create(FIRST, minutes=30, sync=again),
        hook(EVENT, (FIRST, "PushError"), minutes=31, sync=again),
        status(5130, minutes=32, sync=again),
        page(failed, minutes=33, sync=again),
    ]

    for count in range(3, len(lines) + 1):
        twins_are_judged_as_alone(lines[:count], BY_FACTS)


def twins_are_judged_as_alone(lines: list[bytes], how: Judge) -> None:
    several = [
        reduce(lambda text, pair: text.replace(*pair), twin.items(), line.decode())
        for twin in TWINS
        for line in lines
    ]

    with replayed([line.encode() for line in several]) as states:
        for state in states:
            company, contexts = state.company, state.contexts
            names = company.transactions()
            together = judged(company, contexts, names, judge=how)
            release = partial(
                released,
                company,
                contexts,
                names,
                judge=how,
                sent_of=state.sent,
                at=how.as_of,
            )
            freed = release(together)
            alone = [
                word(how.outline(company.dossier(name, contexts)), BUILT_IN)
                for name in names
            ]

            assert together == alone
            assert [*freed] == [*release(alone)]


def page_at(minutes: int, *, message: str) -> bytes:
    """Return a page with one failed expense, which the minute names."""
    name = uuid_of(minutes)
    return page(
        row(name, "PushError", message=message), minutes=minutes, number=minutes, size=1
    )


@pytest.mark.parametrize(
    ("minutes", "shapes"),
    [
        pytest.param([11, 12, 13], 1, id="between the same moments"),
        pytest.param([8, 9, 11, 12], 2, id="on both sides of the sync's end"),
        pytest.param([9, 10, 11], 3, id="before, at and after the sync's end"),
    ],
)
def test_items_of_one_shape_share_one_outline_and_no_others_do(
    minutes: list[int], shapes: int
) -> None:
    pages = [page_at(m, message=f"Account {m} is archived") for m in minutes]
    outlined: list[str] = []

    def outline(dossier: Dossier) -> Outline:
        outlined.append(dossier.transaction_id)
        return BY_FACTS.outline(dossier)

    counting = attrs.evolve(BY_FACTS, outline=outline)
    # The first rows of a sync are a moment of their own.
    begun = [status(1000, minutes=1), page(row(FIRST, "Pending"), minutes=2, total=9)]
    with replayed([*begun, status(5130, minutes=10), *pages]) as (state,):
        company = state.company
        items = judged(company, state.contexts, company.transactions(), judge=counting)

    assert len(outlined) == 1 + shapes
    for minute, item in zip(minutes, items[1:], strict=True):
        assert [(leg.reported_at, leg.message) for leg in item.legs] == [
            (at(minute), f"Account {minute} is archived")
        ]


def test_what_one_webhook_says_of_several_that_failed_is_judged_as_alone() -> None:
    names = [uuid_of(1), uuid_of(2)]
    again = "3b5d5fd1-f4b2-49de-98c3-ca37a0dcd8cd"
    failed = [row(n, "PushError", message=MESSAGE.format(n)) for n in names]
    written = [(name, "Completed") for name in names]
    lines = [
        create(*names),
        status(5130, minutes=1),
        page(*failed, minutes=2),
        create(*names, minutes=30, sync=again),
        hook("expenses.sync.successful", *written, minutes=31, sync=again),
    ]

    ((together, alone),) = both(lines, as_of=60)

    assert together == alone
    assert {item.state for item in together} == {ItemState.CLEARED}
