"""The one home of Hypothesis strategies: traffic in which everything goes wrong."""

from datetime import UTC
from typing import Any

import attrs
from hypothesis import strategies as st

from reconcile.domain.events import EVENT_TYPES, Event
from reconcile.domain.observations import ExpectedTransaction, Flaw
from reconcile.domain.retry_events import PlannedLine
from reconcile.domain.rows import grouped
from reconcile.domain.vocabulary import DecisionKind, FindingKind, NoticeKind
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
        lambda item: f"One or more transactions have previously been processed: {item}"
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
    item = st.one_of(
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
    return st.lists(item, max_size=max_size)


def _crowd() -> list[bytes]:
    """Return every line of a small world in which everything meets everything."""
    item, two = uuid_of(0), uuid_of(1)
    claim = f"One or more transactions have previously been processed: {item}"
    lines: list[bytes] = [b"garbage"]
    for minutes in (0, 1, 2, 5, 60 * 28 + 1):
        for sync in ("sync-a", "sync-b"):
            lines += [
                status(code, minutes=minutes, sync=sync, text=text, message=message)
                for code, text, message in (
                    (1000, "Started", ""),
                    (2000, "Complete", ""),
                    (2000, "Completed", ""),
                    (2040, "No data", ""),
                    (4000, "Failed", ""),
                    (5080, "Failed", claim),
                    (5130, "Failed", "A push failed."),
                    (7777, "Odd", ""),
                    (None, "Odd", ""),
                )
            ]
            pages: list[tuple[list[Any], int | None]] = [
                ([], None),
                ([row(item)], None),
                ([row(item), row(two)], None),
                ([row(item), row(item, leg="bankfeeds")], None),
                ([row(item), row(item, "PushError", "bankfeeds")], 3),
                ([row(item, "PushError")], None),
                ([row(item, "PushError", message="")], None),
                ([row(item, "PushError", message=claim)], None),
                ([row(item, "Pending")], None),
                ([row(item, "Paused")], None),
                ([row(item), row(item)], None),
                ([row(item), 7], None),
            ]
            lines += [
                page(*rows, minutes=minutes, sync=sync, total=total)
                for rows, total in pages
            ]
            lines += [
                page(row(item, leg="bankfeeds"), minutes=minutes, sync=sync, number=2),
                start("set-a", minutes=minutes, sync=sync),
                start("set-a", "set-b", minutes=minutes, sync=sync),
                create(item, minutes=minutes, sync=sync),
                update(item, minutes=minutes, sync=sync),
                *(
                    hook(
                        event,
                        *((item, word) for word in words),
                        minutes=minutes,
                        generated=generated,
                        delivery=delivery,
                        sync=sync,
                    )
                    for event, words, generated, delivery in (
                        ("expenses.sync.successful", (), 2, "msg-1"),
                        ("expenses.sync.successful", ("Completed",), 1, "msg-1"),
                        ("expenses.sync.unsuccessful", ("Failed",), None, None),
                        ("expenses.sync.unsuccessful", ("Failed",), 2, "msg-2"),
                        ("expenses.sync.unsuccessful", ("Pending", "Odd"), 1, None),
                    )
                ),
            ]
        lines += [
            push(item, minutes=minutes, dataset="set-a"),
            push(item, two, minutes=minutes, dataset="set-b"),
            push(item, minutes=minutes, status=400, answer={"error": claim}),
            start("set-a", minutes=minutes, status=409, answer={"error": "Busy."}),
            start("set-b", minutes=minutes, status=0),
            create(item, minutes=minutes, status=429),
            create(item, two, minutes=minutes, status=0),
            update(item, minutes=minutes, status=400, answer={"error": "Not so."}),
            update(item, minutes=minutes, status=503),
        ]
    return lines


CROWD = _crowd()


def crowded(max_size: int = 12) -> st.SearchStrategy[list[bytes]]:
    """Return captured traffic of two expenses at five moments: ties everywhere."""
    return st.lists(st.sampled_from(CROWD), max_size=max_size)


# Readers replace both what SQLite cannot store and what PostgreSQL cannot.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)
MAYBE = st.none() | TEXT
COUNTS = st.none() | st.integers(0, 2**53 - 1)
MOMENTS = st.datetimes(timezones=st.just(UTC))
LEG_ROWS = st.lists(st.tuples(TEXT, TEXT, MAYBE, MAYBE), max_size=3).map(tuple)
FLAWS = st.lists(
    st.builds(
        Flaw, kind=st.sampled_from(FindingKind), reason=TEXT, transaction_id=MAYBE
    ),
    max_size=2,
).map(tuple)
EXPECTED = st.lists(
    st.builds(
        ExpectedTransaction,
        transaction_id=TEXT,
        kind=MAYBE,
        amount=st.none() | st.decimals(allow_nan=False, allow_infinity=False).map(str),
        currency=MAYBE,
        issue_date=MAYBE,
        merchant=MAYBE,
        digest=TEXT,
    ),
    max_size=2,
).map(tuple)
PLANNED_LINES = st.builds(
    PlannedLine,
    n=st.integers(1, 2**31),
    operation=TEXT,
    transaction_ids=st.lists(TEXT, max_size=2).map(tuple),
    fingerprint=MAYBE,
    after=st.none() | st.integers(1, 2**31),
    is_probe=st.booleans(),
)
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "actor": TEXT,
    "as_of": MOMENTS,
    "at": MOMENTS,
    "body_digest": MAYBE,
    "code": st.none() | st.integers(-(2**53), 2**53) | TEXT,
    "data_pushed": st.none() | st.booleans(),
    "dataset_ids": st.lists(TEXT, max_size=2).map(tuple),
    "dated": st.booleans(),
    "deliveries": st.lists(TEXT, max_size=2).map(tuple),
    "delivery": MAYBE,
    "delivery_id": MAYBE,
    "decision": st.sampled_from(DecisionKind),
    "digest": TEXT,
    "error_message": MAYBE,
    "evidence": TEXT,
    "exception_message": MAYBE,
    "fingerprint": TEXT,
    "flaws": FLAWS,
    "http_status": st.integers(0, 599),
    "line": st.integers(1, 2**31),
    "lines": st.lists(PLANNED_LINES, max_size=2).map(tuple),
    "notice": st.none() | st.sampled_from(NoticeKind),
    "not_before": st.one_of(st.none(), MOMENTS),
    "operation": TEXT,
    "origin": TEXT,
    "page": COUNTS,
    "page_size": COUNTS,
    "policy": TEXT,
    "reason": TEXT,
    "replacement": TEXT,
    "groups": LEG_ROWS.map(grouped),
    "request_id": TEXT,
    "requested_at": MOMENTS,
    "rows": st.booleans(),
    "rows_digest": TEXT,
    "since": MOMENTS,
    "ruleset": TEXT,
    "same_as": st.integers(1, 2**31),
    "status": MAYBE,
    "sync_id": TEXT,
    "sync_utc": MAYBE,
    "to": TEXT,
    "total": COUNTS,
    "transaction_id": TEXT,
    "transaction_ids": st.lists(TEXT, max_size=2).map(tuple),
    "transactions": EXPECTED,
    "unread": st.integers(0, 2**31),
    "whole": st.booleans(),
    "words": MAYBE,
}


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Return events of one kind, every field of them varied."""
    fields = {field.name: _FIELDS[field.name] for field in attrs.fields(kind)}
    return st.builds(kind, **fields)


EVENTS_OF_EVERY_KIND = st.one_of([events_of(kind) for kind in EVENT_TYPES])
