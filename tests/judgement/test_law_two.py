"""Law 2 on the pure folds: truthful in, never false out, whatever is lost."""

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from reconcile.domain.policy import DEFAULT
from reconcile.domain.vocabulary import BreakKind, ItemState, Verdict
from reconcile.judgement.item import Item
from tests.builders import at
from tests.judgement.memory import Memory
from tests.judgement.telling import Said
from tests.judgement.truth import Truth, latest_known, live, lose

MOMENTS = (3, 6, 12, 40, 60 * 27, 60 * 29, 60 * 45, 60 * 80, 60 * 200)
SEEDS = st.integers(0, 2**48)
NOT_IN = (BreakKind.FAILED, BreakKind.MISSING, BreakKind.REGRESSED)


@given(seed=SEEDS)
def test_what_is_said_of_a_truthful_codat_is_never_false(seed: int) -> None:
    chance = Random(seed)
    truth = live(chance)
    left = lose(chance, truth.statements)

    found = falsehoods(truth, left)

    assert found == []


def falsehoods(truth: Truth, left: list[Said]) -> list[tuple[str, float, str, Item]]:
    """Return everything false that is judged of what is left, at any moment."""
    memory = Memory()
    memory.take(entry.line for entry in left)
    found: list[tuple[str, float, str, Item]] = []
    for minute in MOMENTS:
        for name, item in memory.items(at(minute)).items():
            false = falsehood(truth, left, name, item, minute)
            if false is not None:
                found.append((false, minute, name, item))
    return found


def falsehood(
    truth: Truth, left: list[Said], name: str, item: Item, minute: float
) -> str | None:
    """Return what is false in a judgement, None where nothing is.

    A break that waits for an attempt still open speaks of the attempt before it. Where
    no attempt is known, the capture of our own call is lost: nothing but that call
    shows that what was handed over was ever tried.
    """
    written = truth.in_books(name, minute)
    if item.state in (ItemState.MATCHED, ItemState.CLEARED) and not written:
        return "not in the books"
    if item.kind in NOT_IN and written and item.verdict is not Verdict.WAIT:
        return "in the books"
    resent = item.verdict is Verdict.RESEND and item.kind is not BreakKind.UPDATE_FAILED
    if resent and written and item.attempts:
        return "in the books, and would be sent again"
    if item.kind is BreakKind.UPDATE_FAILED and not written:
        return "there are no old values"
    if item.state is ItemState.OPEN:
        began = latest_known(left, name, minute)
        wait = DEFAULT.undecided_for / timedelta(minutes=1)
        if began is None or minute >= began + wait:
            return "open past its deadline"
    return None
