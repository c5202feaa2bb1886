"""Expenses that failed alike are one thing for a plan, save what is of each of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconcile import LeftOutReason, Plan, Reconciler, RetryPolicy, read_lines
from tests.builders import (
    COMPANY,
    at,
    create_of,
    expense_of,
    page,
    row,
    status,
    uuid_of,
)
from tests.engines import url_at
from tests.retries.desk import reasons

pytestmark = pytest.mark.usefixtures("engine")


OUTAGE = "Service unavailable(503): The service is temporarily unavailable."
A, B, C = map(uuid_of, range(3))


def fail_together(
    messages: Mapping[str, str], *, sync: str, minutes: float = 0, **amounts: int
) -> list[bytes]:
    """Return a create call of expenses that fail, each of 10 or of what is given."""
    sent = [expense_of(name, amounts.get(name, 10)) for name in messages]
    rows = [row(name, "PushError", message=text) for name, text in messages.items()]
    return [
        create_of(*sent, sync=sync, minutes=minutes),
        status(5130, sync=sync, minutes=minutes + 5),
        page(*rows, sync=sync, minutes=minutes + 5),
    ]


def planned(
    folder: Path, lines: Iterable[bytes], policy: RetryPolicy, **choice: Any
) -> Plan:
    with Reconciler.open(url_at(folder / "books.db"), now=lambda: at(600)) as books:
        books.ingest(read_lines(lines))
        return books.plan(policy, **choice)


def test_one_of_a_batch_that_was_changed_has_a_budget_of_its_own(
    tmp_path: Path,
) -> None:
    alike = dict.fromkeys((A, B, C), OUTAGE)
    lines = [
        *fail_together(alike, sync="first"),
        *fail_together(alike, sync="second", minutes=30, **{B: 20}),
    ]

    plan = planned(tmp_path, lines, RetryPolicy(per_content=2))

    assert [line.transactions for line in plan.lines] == [(B,)]
    assert reasons(plan) == dict.fromkeys((A, C), LeftOutReason.BUDGET)


def test_of_those_that_failed_alike_the_claimed_alone_is_in_doubt(
    tmp_path: Path,
) -> None:
    claim = f"One or more transactions have previously been processed: {B}"

    plan = planned(
        tmp_path,
        fail_together({A: claim, B: OUTAGE, C: OUTAGE}, sync="s"),
        RetryPolicy(),
    )

    assert reasons(plan)[B] is LeftOutReason.IN_DOUBT
    assert (C,) in [line.transactions for line in plan.lines]


def test_of_those_that_failed_alike_the_corrected_alone_is_sent_otherwise(
    tmp_path: Path,
) -> None:
    lines = fail_together(dict.fromkeys((A, B, C), OUTAGE), sync="s")

    plan = planned(
        tmp_path,
        lines,
        RetryPolicy(),
        company_id=COMPANY,
        corrected=[expense_of(B, 20)],
    )

    sent = {
        name: (line.payload_from, content)
        for line in plan.lines
        for name, content in zip(line.transactions, line.contents, strict=True)
    }
    (correction,) = plan.corrections
    assert sent[B] == ("correction", correction.digest)
    assert sent[A][0] == sent[C][0] == "evidence"
    assert correction.digest not in {sent[A][1], sent[C][1]}
