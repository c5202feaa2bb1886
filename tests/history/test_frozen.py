"""Frozen histories: stored bytes of earlier versions replay, for ever, to one report.

`NNNN-*.jsonl` holds stored events as they were written, `NNNN-*.json` the items and
totals of their report. Neither is ever edited; a new shape of history is a new pair.
"""

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconcile import Reconciler
from reconcile.domain.events import EVENT_TYPES
from reconcile.report.wire import to_data
from reconcile.storage.codec import UPCASTS

HERE = Path(__file__).parent
RENAMED = {"waived": "resolved"}  # totals whose name today is not the one frozen
HISTORIES = sorted(HERE.glob("*.jsonl"))


def thaw(history: Path, store: Path) -> None:
    """Write stored events as they are, past every line of ours that could mend them."""
    with Reconciler.open(f"sqlite:///{store}"):
        pass
    with sqlite3.connect(store) as db:
        for line in history.read_text("utf-8").splitlines():
            item = json.loads(line)
            db.execute(
                "INSERT INTO stored_events VALUES (NULL, ?, ?, ?, ?, ?)",
                (
                    item["stream"],
                    item["version"],
                    item["topic"],
                    item["state"].encode(),
                    item["recorded_at"],
                ),
            )
    db.close()


@pytest.mark.parametrize("history", HISTORIES, ids=lambda path: path.stem)
def test_a_frozen_history_replays_to_the_report_it_had(
    history: Path, tmp_path: Path
) -> None:
    frozen = json.loads(history.with_suffix(".json").read_text("utf-8"))
    thaw(history, tmp_path / "thawed.db")

    with Reconciler.open(f"sqlite:///{tmp_path / 'thawed.db'}") as books:
        result = to_data(books.report(as_of=datetime(2026, 6, 1, tzinfo=UTC)))
        tied = books.tie_out()

    judged = [[i["transaction_id"], i["state"], i["kind"]] for i in result["items"]]
    assert judged == frozen["items"]
    counted = {
        name: result["totals"][RENAMED.get(name, name)] for name in frozen["totals"]
    }
    assert counted == frozen["totals"]
    assert (tied.differences, tied.poisoned) == ([], 0)


def test_the_frozen_histories_hold_every_kind_of_event() -> None:
    topics = {
        json.loads(line)["topic"]
        for history in HISTORIES
        for line in history.read_text("utf-8").splitlines()
    }

    assert topics == {kind.TOPIC for kind in EVENT_TYPES} | UPCASTS.keys()
