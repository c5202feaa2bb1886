"""The how-tos, run as they stand."""

from pathlib import Path

import pytest

from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS


@pytest.mark.parametrize("name", ["receive-webhooks", "send-without-losing"])
def test_a_how_to_shows_what_happens(name: str, tmp_path: Path) -> None:
    run_examples(DOCS / "how-to" / f"{name}.md", tmp_path)
