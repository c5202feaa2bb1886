"""The reliability page: every promise names a test or a script that is there."""

import re

from tests.docs.markdown import DOCS, ROOT, quoted, sections


def test_every_promise_is_tested_by_what_is_there() -> None:
    text = sections(DOCS / "explanation" / "reliability.md")["What is promised"]
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][1:]

    tested = [quoted(row[3]) for row in rows]

    assert len(rows) >= 10
    assert all(tested)
    absent = {path for paths in tested for path in paths if not (ROOT / path).exists()}
    assert absent == set()
    assert all(
        re.match(r"(tests|scripts)/", path) for paths in tested for path in paths
    )
