"""The demonstration's month, as `scripts/demo` lives it."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from reconcile import Reconciler
from tests.docs.markdown import DOCS, ROOT

END = datetime(2026, 2, 1, tzinfo=UTC)


def test_a_month_ends_with_a_report_that_shows_every_state(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'month.db'}"
    script = DOCS / "examples" / "month_end.py"

    ran = subprocess.run(
        [sys.executable, str(script), store], check=True, capture_output=True, text=True
    )
    with Reconciler.open(store, create=False) as books:
        report = books.report(as_of=END)
        explained = (ROOT / "scripts" / "demo").read_text("utf-8")

    assert ran.stdout.startswith(f"{report.totals.items} expenses of 3 companies sent")
    told = Counter(str(one.item.kind or one.item.state) for one in report.items)
    assert set(told) == {"matched", "cleared", "FAILED", "STUCK"}
    cleared = [i.transaction_id for i in report.items if i.item.state == "cleared"]
    assert any(name in explained for name in cleared)
