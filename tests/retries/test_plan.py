"""What a plan holds of what was captured, and what it leaves out."""

from datetime import datetime
from pathlib import Path

import pytest

from reconcile import LeftOutReason, Operation, Reconciler, read_lines
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
from tests.retries.desk import reasons

pytestmark = pytest.mark.usefixtures("engine")


OURS = "The field TaxAmount must be between 0 and 5000000."


def failed(*names: str, sync: str, minutes: float) -> list[bytes]:
    """Return a call whose expenses fail for what is ours to mend."""
    return [
        create_of(*map(expense_of, names), minutes=minutes, sync=sync),
        status(5130, minutes=minutes + 1, sync=sync),
        page(
            *(row(name, "PushError", message=OURS) for name in names),
            minutes=minutes + 2,
            sync=sync,
        ),
    ]


def test_what_was_changed_since_goes_though_the_mend_of_its_cause_was_disproved(
    tmp_path: Path,
) -> None:
    moment = at(20)

    def now() -> datetime:
        return moment

    with Reconciler.open(url_at(tmp_path / "books.db"), now=now) as books:
        books.ingest(read_lines(failed("t1", "t2", sync="s1", minutes=0)))
        (cause,) = books.causes()
        books.decide(
            "mended",
            company_id=COMPANY,
            cause=cause.fingerprint,
            actor="ann",
            reason="too soon",
        )
        books.ingest(read_lines(failed("t1", sync="s2", minutes=30)))
        moment = at(60)
        before = books.plan()
        books.ingest(read_lines([push_of(expense_of("t2", 7), minutes=65)]))
        moment = at(100)
        after = books.plan()

    assert not before.lines
    assert set(reasons(before).values()) == {LeftOutReason.NOT_RELEASED}
    assert [(line.operation, line.transactions) for line in after.lines] == [
        (Operation.PUSH, ("t2",))
    ]
    assert reasons(after) == {"t1": LeftOutReason.NOT_RELEASED}
