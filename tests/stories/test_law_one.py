"""Law 1: a report is a function of the set of distinct evidence."""

import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest
from tests.builders import at
from tests.strategies import traffic

MOMENTS = (at(0), at(7), at(20), at(60 * 29), at(60 * 60))


def report_digests(folder: Path, lines: list[bytes], name: str) -> list[str]:
    """Return the digests of reports at several moments of lines taken in order."""
    path = folder / f"{name}.db"
    path.unlink(missing_ok=True)
    with Reconciler.open(f"sqlite:///{path}") as books:
        books.ingest(read_lines(lines))
        return [digest(books.report(as_of=moment)) for moment in MOMENTS]


@settings(max_examples=100)
@given(lines=traffic(), seed=st.integers(0, 2**32))
def test_order_and_repetition_do_not_matter(lines: list[bytes], seed: int) -> None:

    chance = random.Random(seed)
    shuffled = lines + chance.choices(lines, k=len(lines) // 2) if lines else []
    chance.shuffle(shuffled)

    with tempfile.TemporaryDirectory() as folder:
        result = report_digests(Path(folder), lines, "in-order")
        again = report_digests(Path(folder), shuffled, "shuffled")

    assert result == again
