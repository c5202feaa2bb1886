"""The tutorial and the README, run as they stand."""

from datetime import UTC, datetime
from pathlib import Path

from reconcile.sandbox import Sandbox
from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS, ROOT
from tests.docs.trouble import LAG, account


def test_the_tutorial_shows_what_happens(tmp_path: Path) -> None:
    run_examples(DOCS / "tutorial.md", tmp_path)


def test_the_readme_shows_what_happens(tmp_path: Path) -> None:
    with account(Sandbox(now=datetime.now(UTC) - LAG)) as environment:
        run_examples(ROOT / "README.md", tmp_path, environment)
