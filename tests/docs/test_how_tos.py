"""The how-tos, run as they stand."""

from pathlib import Path

import pytest

from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS
from tests.docs.trouble import BEGINNINGS, trouble


@pytest.mark.parametrize("name", ["receive-webhooks", "send-without-losing"])
def test_a_how_to_shows_what_happens(name: str, tmp_path: Path) -> None:
    run_examples(DOCS / "how-to" / f"{name}.md", tmp_path)


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_how_to_of_retries_ends_as_it_shows(name: str, tmp_path: Path) -> None:
    with trouble(name, tmp_path) as environment:
        run_examples(DOCS / "how-to" / f"{name}.md", tmp_path, environment)


def test_every_how_to_of_retries_is_run() -> None:
    pages = {path.stem for path in (DOCS / "how-to").glob("retry-*.md")}

    assert pages == {*BEGINNINGS}
