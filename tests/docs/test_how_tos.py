"""The how-tos, run as they stand."""

import os
import shutil
import subprocess
import sys
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from reconcile import Reconciler, read_document
from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS, fences
from tests.docs.trouble import BEGINNINGS, trouble


@pytest.mark.parametrize(
    "name",
    [
        "receive-webhooks",
        "send-without-losing",
        "audit-years-on-a-cluster",
        "report-as-a-page",
    ],
)
def test_a_how_to_shows_what_happens(name: str, tmp_path: Path) -> None:
    run_examples(DOCS / "how-to" / f"{name}.md", tmp_path)


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_how_to_of_retries_ends_as_it_shows(name: str, tmp_path: Path) -> None:
    with trouble(name, tmp_path) as environment:
        page = DOCS / "how-to" / f"{name}.md"
        run_examples(page, tmp_path, environment, _at_this_hour(page))


def _at_this_hour(page: Path) -> dict[str, str]:
    """Return what a run writes instead, in the quiet hours of its page's policy."""
    if "[[quiet]]" not in page.read_text("utf-8"):
        return {}
    hour = datetime.now(ZoneInfo("Europe/London")).hour
    return {} if 6 <= hour < 22 else _QUIET


_CLEARED = """\
2 calls were made, 0 expenses dropped.
sha256:…: run since … by reconcile retries, ended …
  3 cleared"""
_WAITING = """\
0 calls were made, 0 expenses dropped.
Line 1 waits: these are quiet hours, until …T…:00:00.000000Z.
Line 2 waits: the outcome of line 1 is not known yet.
sha256:…: run since … by reconcile retries, not ended
  3 not sent yet
Run the plan again for what waits."""
_QUIET = {
    _CLEARED: _WAITING,
    "nothing to send, 0 left out": "0 calls, 2 lines wait",
}


@pytest.mark.skipif(
    not (find_spec("pyspark") and find_spec("pandas") and shutil.which("java")),
    reason="Spark is no dependency: it needs pyspark, pandas and a Java runtime",
)
def test_the_recipe_for_spark_gives_the_same_digest(tmp_path: Path) -> None:
    program, shown = fences(DOCS / "how-to" / "audit-on-spark.md")
    with Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as books:
        books.ingest(read_document((DOCS / "examples" / "page.har").read_bytes()))
        books.export(tmp_path / "years")

    ended = subprocess.run(
        [sys.executable, "-c", program.text],
        cwd=tmp_path,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ended.stdout == shown.text, ended.stderr


def test_every_how_to_of_retries_is_run() -> None:
    pages = {path.stem for path in (DOCS / "how-to").glob("retry-*.md")}

    assert pages == {*BEGINNINGS}
