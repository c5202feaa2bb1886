"""The history held against its evidence: what was changed since is found and named."""

import hashlib
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile import Reconciler, StoreError, read_lines
from reconcile.audit.evidence import DIFFERENCES_MAX
from tests.builders import (
    at,
    create_of,
    entry,
    expense_of,
    hook,
    page,
    push_of,
    row,
    start,
    status,
    url,
)
from tests.engines import Tables, tables_of, url_at
from tests.stories.test_command_line import Shell

pytestmark = pytest.mark.usefixtures("engine")


LINES = [
    push_of(expense_of("t2"), minutes=0),
    start(minutes=1, sync="s2"),
    create_of(expense_of("t1", merchant="Ada's"), minutes=1),
    status(5130, minutes=2),
    page(row("t1", message="no"), row("t3"), minutes=3),
    page(row("t1", message="no"), row("t3"), minutes=4),
    status(5130, minutes=5),
    hook("expenses.sync.unsuccessful", ("t1", "PushError"), minutes=7, delivery="m1"),
    hook("expenses.sync.unsuccessful", ("t1", "PushError"), minutes=6, delivery="m1"),
    hook("expenses.sync.started", minutes=6, delivery="m2", sync="s9"),
    entry("GET", url("/syncs/s8/status"), minutes=8, status=404, answer={"error": "x"}),
    entry("GET", url("/syncs/s7/status"), minutes=8, answer="<html>"),
    b"rubbish",
]
Change = Callable[[Tables], object]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "reconcile.db"
    with Reconciler.open(url_at(path), now=lambda: at(60)) as books:
        books.ingest(read_lines(LINES))
    return path


def differences(path: Path) -> list[str]:
    """Return what a check of the evidence finds."""
    with Reconciler.open(url_at(path)) as books:
        checked = books.tie_out(evidence=True).evidence
    assert checked is not None
    assert len(checked.first) == min(checked.differences, DIFFERENCES_MAX)
    return checked.first


def changed(path: Path, change: Change) -> None:
    """Change a store behind our back."""
    with tables_of(url_at(path)) as tables:
        change(tables)


def event(tables: Tables, topic: str) -> tuple[str, int, dict[str, object]]:
    """Return stream, version and payload of the first event of a kind."""
    stream, version, state = tables.rows(
        "SELECT originator_id, originator_version, state FROM stored_events"
        f" WHERE topic = ? ORDER BY {tables.position}",
        topic,
    )[0]
    return stream, version, json.loads(state)


def edit(topic: str, *, without: str = "", **fields: object) -> Change:
    """Return a change of the first event of a kind."""

    def change(tables: Tables) -> None:
        stream, version, payload = event(tables, topic)
        payload.pop(without, None)
        tables.run(
            "UPDATE stored_events SET state = ?"
            " WHERE originator_id = ? AND originator_version = ?",
            *(json.dumps({**payload, **fields}).encode(), stream, version),
        )

    return change


def run(statement: str, *values: object) -> Change:
    """Return a change by one statement."""
    return lambda tables: tables.run(statement, *values)


def other_body(tables: Tables) -> None:
    """Put other bytes in the place of a page's."""
    digest, content = next(
        (digest, zlib.decompress(content))
        for digest, content in tables.rows("SELECT digest, content FROM bodies")
        if b'"no"' in zlib.decompress(content)
    )
    assert hashlib.sha256(content).digest() == digest
    other = zlib.compress(content.replace(b'"no"', b'"ok"'))
    tables.run("UPDATE bodies SET content = ? WHERE digest = ?", other, digest)


def test_what_nobody_changed_is_what_its_bytes_say(store: Path) -> None:
    with Reconciler.open(url_at(store)) as books:
        checked = books.tie_out(evidence=True).evidence

    assert checked is not None
    assert (checked.differences, checked.first) == (0, [])
    assert checked.evidence == len(LINES) - 1  # one came twice
    assert checked.events >= 11
    assert checked.decided == 2  # what could not be read


CHANGES: dict[str, tuple[Change, str]] = {
    "a code": (
        edit("sync.failed", code=2000),
        "its code is 2000, and its bytes say 5130",
    ),
    "a time": (
        edit("sync.failed", at="2026-01-01T00:00:00Z"),
        "its at is '2026-01-01T00:00:00Z', and its bytes say",
    ),
    "an amount sent": (
        edit("dataset.pushed", transactions=[]),
        "its transactions is [], and its bytes say",
    ),
    "another piece of evidence": (
        edit("sync.failed", evidence="ab" * 32),
        f"its evidence {'ab' * 32} cannot be read",
    ),
    "an event less": (
        run("DELETE FROM stored_events WHERE topic = 'sync.legs-reread'"),
        "it is version",
    ),
    "a field less": (
        edit("sync.failed", without="code"),
        "its code is 'absent', and its bytes say 5130",
    ),
    "a company": (
        run("UPDATE evidence SET company_id = 'elsewhere' WHERE kind = 'delivery'"),
        "its company is 'elsewhere', and its bytes say",
    ),
    "a digest in quarantine": (
        edit("case.evidence-quarantined", digest="ab" * 32),
        "and its bytes say '",
    ),
    "another kind": (
        run(
            "UPDATE stored_events SET topic = ? WHERE topic = 'sync.failed'",
            "sync.completed",
        ),
        "it is sync.completed, and its bytes say sync.failed",
    ),
    "bytes": (other_body, "are others: theirs is sha256:"),
    "no bytes": (run("DELETE FROM bodies"), "is missing from the store"),
    "damaged bytes": (
        run("UPDATE bodies SET content = ?", b"\x00\xff"),
        "a stored body is damaged",
    ),
    "an address": (
        run("UPDATE evidence SET url = replace(url, 's8', 's6')"),
        "what is stored of it is not what came",
    ),
    "a status": (
        run("UPDATE evidence SET status = 410 WHERE status = 404"),
        "not what came",
    ),
    "no piece of evidence": (
        edit("sync.failed", evidence="nothing"),
        "evidence nothing: its name is malformed, expected hex digits",
    ),
    "no moment": (
        run("UPDATE evidence SET observed_at = NULL WHERE status = 404"),
        "the time at which it came is missing",
    ),
    "a kind of evidence": (
        run("UPDATE evidence SET kind = 'text' WHERE kind = 'bytes'"),
        "the time at which it came is missing",
    ),
    "a moment": (
        run("UPDATE evidence SET observed_at = observed_at + 1 WHERE status = 404"),
        "not what came",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_since_it_came_is_found_and_named(
    store: Path, name: str
) -> None:
    change, words = CHANGES[name]
    changed(store, change)

    found = differences(store)

    assert any(words in sentence for sentence in found), found
    assert all(sentence.startswith(("event ", "evidence ")) for sentence in found)


def test_the_command_tells_the_first_difference_and_ends_with_1(store: Path) -> None:
    shell = Shell(store.parent)
    whole = shell.run("audit", "tie-out", "--evidence")
    changed(store, edit("sync.failed", code=2000))

    found = shell.run("audit", "tie-out", "--evidence")

    assert (whole.returncode, found.returncode) == (0, 1)
    assert "Every event is what its bytes say" in whole.stdout
    assert "its code is 2000, and its bytes say 5130" in found.stdout


def test_explain_shows_nothing_of_bytes_that_are_not_those_that_came(
    store: Path,
) -> None:
    changed(store, other_body)

    with (
        Reconciler.open(url_at(store)) as books,
        pytest.raises(StoreError, match="are others: theirs is sha256:"),
    ):
        books.explain("t1", as_of=at(60))


def test_doctor_looks_at_some_of_the_evidence(store: Path) -> None:
    shell = Shell(store.parent)
    whole = shell.run("doctor")
    changed(store, other_body)

    found = shell.run("doctor")

    assert "ok       evidence: 12 pieces have the bytes that came" in whole.stdout
    assert "problem  evidence: evidence " in found.stdout


def test_a_list_of_many_syncs_is_read_once_and_not_for_each_of_them(
    tmp_path: Path,
) -> None:
    syncs = [
        json.loads(
            json.loads(status(2000, sync=f"s{n}"))["response"]["content"]["text"]
        )
        for n in range(3000)
    ]
    path = tmp_path / "listed.db"
    with Reconciler.open(url_at(path)) as books:
        address = url("/syncs/list/status")
        books.ingest(read_lines([entry("GET", address, answer=syncs)]))
        began = time.process_time()
        checked = books.tie_out(evidence=True).evidence
        seconds = time.process_time() - began

    assert checked is not None
    assert (checked.events, checked.differences) == (3000, 0)
    assert seconds < 4.0  # it took 8 when each event looked at each sync
