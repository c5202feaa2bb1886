"""Law 1: a report is a function of the set of distinct evidence."""

import random

from hypothesis import strategies as st

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest
from tests.builders import at
from tests.engines import another_store
from tests.laws import law
from tests.strategies import traffic

MOMENTS = (at(0), at(7), at(20), at(60 * 29), at(60 * 60))


def report_digests(url: str, lines: list[bytes]) -> list[str]:
    """Return the digests of reports at several moments of lines taken in order."""
    with Reconciler.open(url) as books:
        books.ingest(read_lines(lines))
        return [digest(books.report(as_of=moment)) for moment in MOMENTS]


@law(examples=100, lines=traffic(), seed=st.integers(0, 2**32))
def test_order_and_repetition_do_not_matter(
    url: str, lines: list[bytes], seed: int
) -> None:
    chance = random.Random(seed)
    shuffled = lines + chance.choices(lines, k=len(lines) // 2) if lines else []
    chance.shuffle(shuffled)

    result = report_digests(url, lines)
    with another_store() as another:
        again = report_digests(another, shuffled)

    assert result == again
