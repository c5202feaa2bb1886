"""The tutorial and the README, run as they stand."""

from pathlib import Path

from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS, ROOT


def test_the_tutorial_shows_what_happens(tmp_path: Path) -> None:
    run_examples(DOCS / "tutorial.md", tmp_path)


def test_the_readme_shows_what_happens(tmp_path: Path) -> None:
    run_examples(ROOT / "README.md", tmp_path)
