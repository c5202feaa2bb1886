"""The how-tos, run as they stand."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from reconcile import Reconciler, read_document
from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS, fences
from tests.docs.trouble import BEGINNINGS, trouble


@pytest.mark.parametrize(
    "name", ["receive-webhooks", "send-without-losing", "audit-years-on-a-cluster"]
)
def test_a_how_to_shows_what_happens(name: str, tmp_path: Path) -> None:
    run_examples(DOCS / "how-to" / f"{name}.md", tmp_path)


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_how_to_of_retries_ends_as_it_shows(name: str, tmp_path: Path) -> None:
    with trouble(name, tmp_path) as environment:
        run_examples(DOCS / "how-to" / f"{name}.md", tmp_path, environment)


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
