"""What holds of every plan, whatever was heard, decided and allowed."""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta

import attrs
from hypothesis import strategies as st

from reconcile import (
    ItemState,
    Judged,
    Operation,
    Owner,
    Plan,
    QuietHours,
    Reconciler,
    RetryPolicy,
    RetryWait,
    UsageError,
    Verdict,
    read_lines,
)
from tests.builders import (
    COMPANY,
    at,
    create_of,
    expense_of,
    page,
    push_of,
    row,
    start,
    status,
    uuid_of,
)
from tests.engines import another_store
from tests.laws import law
from tests.strategies import crowded, traffic

LATER = st.sampled_from([at(20), at(60 * 5), at(60 * 30), at(60 * 60)])
WAITS = st.builds(
    RetryWait,
    first=st.sampled_from([timedelta(), timedelta(minutes=15)]),
    factor=st.sampled_from([1.0, 2.0]),
    tries_max=st.integers(1, 4),
)
POLICIES = st.builds(
    RetryPolicy,
    owners=st.dictionaries(st.sampled_from(Owner), WAITS),
    per_content=st.integers(1, 3),
    per_cause_and_day=st.integers(1, 3),
    batch_size=st.integers(1, 50),
    quiet_hours=st.sampled_from([(), (QuietHours(begins=time(9), until=time(17)),)]),
)
WORDS = ("booked", "waive", "note", "mended", "reopen", "moved")


MESSAGES = (
    None,  # written
    "Service unavailable(503): The service is temporarily unavailable.",
    "Bad request(400): The document date cannot be before the end of the locked"
    " period, 2026-01-31.",
    "Bad request(400): Account 200 is archived or was deleted.",
    "One or more transactions have previously been processed: {other}",
    "Nobody knows these words.",
)
COMPANIES = (COMPANY, "11111111-0000-4000-8000-000000000000")


@st.composite
def failures(draw: st.DrawFn) -> list[bytes]:
    """Return a back office's calls, most of which failed, in both dialects."""
    lines: list[bytes] = []
    for number in range(draw(st.integers(1, 6))):
        company = draw(st.sampled_from(COMPANIES))
        sync, minutes = f"sync-{number}", number * 30
        chosen = draw(st.lists(st.integers(0, 9), min_size=1, max_size=8, unique=True))
        ids = [uuid_of(name + 100 * COMPANIES.index(company)) for name in chosen]
        sent = [expense_of(name, draw(st.sampled_from((10, 20)))) for name in ids]
        if draw(st.booleans()):
            lines.append(create_of(*sent, sync=sync, minutes=minutes, company=company))
        else:
            dataset = f"set-{number}"
            lines.append(
                push_of(*sent, dataset=dataset, minutes=minutes, company=company)
            )
            if draw(st.booleans()):
                continue  # and nobody starts its sync
            lines.append(start(dataset, sync=sync, minutes=minutes, company=company))
        messages = draw(
            st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=2, unique=True)
        )
        rows = []
        for name in ids:
            message = draw(st.sampled_from(messages))
            if message is None:
                rows.append(row(name))
            else:
                words = message.format(other=ids[0])
                rows.append(row(name, "PushError", message=words))
        when = minutes + 5
        lines.append(status(5130, minutes=when, sync=sync, company=company))
        lines.append(page(*rows, minutes=when, sync=sync, company=company))
    return lines


def decide_some(books: Reconciler, chance: random.Random) -> None:
    """Have people decide of some expenses; what makes no sense is refused."""
    for known in [*books.items()]:
        word = chance.choice(WORDS)
        if chance.random() < 0.4:
            with suppress(UsageError):
                books.decide(
                    word,
                    company_id=known.company_id,
                    transactions=[known.transaction_id],
                    to="another" if word == "moved" else None,
                    actor="ada",
                    reason="by chance",
                )


def check(plan: Plan, rows: Sequence[Judged], policy: RetryPolicy) -> None:
    """Hold a plan against the report it was made beside."""
    items = {row.key: row.item for row in rows}
    sent = [(line.company_id, n) for line in plan.lines for n in line.transactions]
    left_out = [(row.company_id, row.transaction_id) for row in plan.left_out]
    everywhere = Counter([*sent, *left_out])

    assert set(everywhere.values()) <= {1}
    for key, item in items.items():
        is_open = item.state is ItemState.OPEN and not item.waits
        if item.state is ItemState.BREAK or is_open:
            assert everywhere[key] == 1
    for key in sent:
        item = items[key]
        assert item.state not in (ItemState.MATCHED, ItemState.CLEARED)
        assert item.verdict is Verdict.RESEND
        assert not item.waits
    claimed = {name for item in items.values() for name in item.without}
    probes = {line.n: line for line in plan.lines if line.probe_for is not None}
    probed = Counter((line.company_id, line.probe_for) for line in probes.values())
    assert set(probed.values()) <= {1}
    for number, line in enumerate(plan.lines, start=1):
        assert line.n == number
        assert 1 <= len(line.transactions) <= policy.batch_size
        assert not claimed & {*line.transactions}
        if line.operation in (Operation.UPDATE, Operation.PUT):
            assert len(line.transactions) == 1
        if line.probe_for is not None:
            assert len(line.transactions) == 1
        if line.after is not None:
            assert probes[line.after].probe_for == line.fingerprint
            assert probes[line.after].company_id == line.company_id
        if line.not_before is not None:
            assert line.not_before > plan.as_of
            assert policy.awake(line.not_before) == line.not_before
    for cause, number in Counter(
        (line.company_id, line.fingerprint)
        for line in plan.lines
        for _ in line.transactions
        if line.fingerprint is not None
    ).items():
        assert number <= policy.per_cause_and_day, cause
    assert Plan.from_json(plan.to_json()) == plan


def plan_of(
    url: str, lines: list[bytes], seed: int, moment: datetime, policy: RetryPolicy
) -> tuple[Plan, Plan, list[Judged]]:
    """Return the plans made live and as a replay, and the items of the report."""
    with Reconciler.open(url, now=lambda: moment) as books:
        books.ingest(read_lines(lines))
        decide_some(books, random.Random(seed))
        return books.plan(policy), books.plan(policy, as_of=moment), [*books.items()]


@law(
    examples=60,
    lines=st.one_of(failures(), failures(), failures(), crowded(), traffic()),
    seed=st.integers(0, 2**32),
    moment=LATER,
    policy=POLICIES,
)
def test_a_plan_is_complete_safe_finite_and_clean(
    url: str, lines: list[bytes], seed: int, moment: datetime, policy: RetryPolicy
) -> None:
    live, replayed, rows = plan_of(url, lines, seed, moment, policy)

    check(live, rows, policy)
    assert live.to_json() == replayed.to_json()


@law(
    examples=40,
    lines=st.one_of(failures(), crowded()),
    seed=st.integers(0, 2**32),
    moment=LATER,
)
def test_order_and_repetition_make_no_other_plan(
    url: str, lines: list[bytes], seed: int, moment: datetime
) -> None:
    chance = random.Random(seed)
    shuffled = lines + chance.choices(lines, k=len(lines) // 2) if lines else []
    chance.shuffle(shuffled)

    live, *_ = plan_of(url, lines, seed, moment, RetryPolicy())
    with another_store() as another:
        again, *_ = plan_of(another, shuffled, seed, moment, RetryPolicy())

    # A delivery that came twice is stored twice where the later one came first.
    plans = [attrs.evolve(plan, position=0).to_json() for plan in (live, again)]
    assert plans[0] == plans[1]
