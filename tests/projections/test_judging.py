"""Judging many items at once gives what judging each alone gives."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import Reconciler, read_lines
from reconcile.domain.policy import DEFAULT
from reconcile.judgement.judge import judge
from reconcile.projections.judging import judge_as_of, judged
from reconcile.readmodels.replay import replay
from reconcile.rules import BUILT_IN
from tests.builders import at, hook, page, push, row, start, status, uuid_of

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


def both(lines: list[bytes], as_of: int) -> list[tuple[object, object]]:
    """Return each company's items, judged together and judged alone."""
    found: list[tuple[object, object]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{Path(folder) / 'books.db'}") as books,
    ):
        books.ingest(read_lines(lines))
        for state in replay(books.store, until=books.store.position()):
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
            found.append((together, alone))
    return found
