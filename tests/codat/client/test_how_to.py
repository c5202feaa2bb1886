"""The how-to of the client, run as it stands."""

from pathlib import Path

from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS


def test_the_how_to_shows_what_happens(tmp_path: Path) -> None:
    run_examples(DOCS / "how-to" / "talk-to-codat.md", tmp_path)
