"""Law 2 through the store: truthful in, never false out, whatever is lost."""

from random import Random

from reconcile import Reconciler, read_lines
from tests.builders import at
from tests.judgement.test_law_two import MOMENTS, SEEDS, falsehood
from tests.judgement.truth import live, lose
from tests.laws import law


@law(examples=100, seed=SEEDS)
def test_no_report_of_a_truthful_codat_is_ever_false(url: str, seed: int) -> None:
    chance = Random(seed)
    truth = live(chance)
    left = lose(chance, truth.statements)

    with Reconciler.open(url) as books:
        books.ingest(read_lines(entry.line for entry in left))
        found = [
            false
            for minute in MOMENTS
            for _, name, item in books.report(as_of=at(minute)).items
            if (false := falsehood(truth, left, name, item, minute)) is not None
        ]

    assert found == []
