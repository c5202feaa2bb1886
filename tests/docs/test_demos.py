"""The demonstrations, as `scripts/demo` lives them."""

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

from reconcile import Reconciler
from tests.docs.markdown import DOCS, ROOT

END = datetime(2026, 2, 1, tzinfo=UTC)


def test_a_month_ends_with_a_report_that_shows_every_state(store_url: str) -> None:
    script = DOCS / "examples" / "month_end.py"

    ran = subprocess.run(
        [sys.executable, str(script), store_url],
        check=True,
        capture_output=True,
        text=True,
    )
    with Reconciler.open(store_url, create=False) as books:
        report = books.report(as_of=END)
        explained = (ROOT / "scripts" / "demo").read_text("utf-8")

    assert ran.stdout.startswith(f"{report.totals.items} expenses of 3 companies sent")
    result = Counter(str(item.item.kind or item.item.state) for item in report.items)
    assert set(result) == {"matched", "cleared", "FAILED", "STUCK"}
    cleared = [i.transaction_id for i in report.items if i.item.state == "cleared"]
    assert any(name in explained for name in cleared)


def test_the_live_story_loses_no_request(store_url: str) -> None:
    script = DOCS / "examples" / "live.py"

    ran = subprocess.run(
        [sys.executable, str(script), store_url],
        check=True,
        capture_output=True,
        text=True,
    )

    assert "6 expenses sent, 6 in the books, by 2 syncs." in ran.stdout
    assert "not sent again" in ran.stdout
    assert "webhook expenses.sync.successful, answered 204" in ran.stdout


def test_what_is_mended_ends_in_the_books(store_url: str) -> None:
    script = DOCS / "examples" / "send_again.py"

    ran = subprocess.run(
        [sys.executable, str(script), store_url],
        check=True,
        capture_output=True,
        text=True,
    )

    assert ran.stdout.endswith(
        "3. 12 of 12 cleared, 0 broken; the books hold 12 entries.\n"
    )
    assert "1 sent, 0 dropped\n   0 sent, 11 dropped" in ran.stdout
