"""The one home of Hypothesis strategies: traffic in which everything goes wrong."""

from typing import Any

from hypothesis import strategies as st

from tests.builders import (
    create,
    hook,
    legacy_hook,
    page,
    push,
    row,
    start,
    status,
    update,
    uuid_of,
)

MINUTES = st.sampled_from([0, 1, 2, 3, 5, 8, 13, 30, 60 * 28, 60 * 30])
IDS = st.sampled_from([uuid_of(n) for n in range(3)])
SYNCS = st.sampled_from(["sync-a", "sync-b", "sync-c"])
DATASETS = st.sampled_from(["set-a", "set-b"])
WORDS = st.sampled_from(
    ["Completed", "PushError", "ValidationError", "Pending", "Unknown", "Paused"]
)
LEGS = st.sampled_from(["expense", "expenses", "bankfeeds", None])
CODES = st.sampled_from([1000, 2000, 2040, 4000, 5000, 5080, 5130, 7777, None])
EVENTS = st.sampled_from(
    ["expenses.sync.successful", "expenses.sync.unsuccessful", "expenses.sync.paused"]
)
RULES = st.sampled_from(["Sync Started", "sync-failed", "Sync Completed"])
MESSAGES = st.one_of(
    st.none(),
    st.just("A validation failed."),
    IDS.map(
        lambda one: f"One or more transactions have previously been processed: {one}"
    ),
)
ROWS = st.builds(row, IDS, WORDS, LEGS, MESSAGES)


@st.composite
def _pages(draw: st.DrawFn) -> bytes:
    rows: list[Any] = draw(st.lists(ROWS, max_size=4))
    total = draw(st.sampled_from([None, None, None, 2, 3, -1]))
    return page(
        *rows,
        minutes=draw(MINUTES),
        number=draw(st.sampled_from([1, 1, 1, 2])),
        size=draw(st.sampled_from([100, 2])),
        total=total,
        sync=draw(SYNCS),
    )


@st.composite
def _hooks(draw: st.DrawFn) -> bytes:
    words = st.sampled_from(["Completed", "Failed", "Pending", "PushError", "Odd"])
    rows = draw(st.lists(st.tuples(IDS, words), max_size=3))
    return hook(
        draw(EVENTS),
        *rows,
        minutes=draw(MINUTES),
        generated=draw(st.one_of(st.none(), MINUTES, st.just("2026-03-02T09:03:99Z"))),
        delivery=draw(st.sampled_from([None, "msg-1", "msg-2", "msg-3"])),
        sync=draw(SYNCS),
    )


@st.composite
def _writes(draw: st.DrawFn) -> bytes:
    ids = draw(st.lists(IDS, min_size=1, max_size=3, unique=True))
    minutes = draw(MINUTES)
    answered = draw(st.sampled_from([200, 200, 200, 0, 400, 429, 503]))
    sync, dataset = draw(SYNCS), draw(DATASETS)
    match draw(st.integers(0, 3)):
        case 0:
            return push(*ids, minutes=minutes, dataset=dataset, status=answered)
        case 1:
            accepted = 202 if answered == 200 else answered
            return start(dataset, minutes=minutes, sync=sync, status=accepted)
        case 2:
            return create(*ids, minutes=minutes, sync=sync, status=answered)
        case _:
            accepted = 202 if answered == 200 else answered
            return update(ids[0], minutes=minutes, sync=sync, status=accepted)


def traffic(max_size: int = 14) -> st.SearchStrategy[list[bytes]]:
    """Return captured traffic of three expenses in three syncs, contradictory."""
    one = st.one_of(
        _pages(),
        _pages(),
        _hooks(),
        _writes(),
        st.builds(lambda c, m, s: status(c, minutes=m, sync=s), CODES, MINUTES, SYNCS),
        st.builds(
            lambda r, m, s: legacy_hook(r, minutes=m, sync=s), RULES, MINUTES, SYNCS
        ),
        st.sampled_from([b"garbage", b'{"a":1}']),
    )
    return st.lists(one, max_size=max_size)
