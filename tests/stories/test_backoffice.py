"""Stories of a back office: what a controller may be told of each expense.

`backoffice/SNN.jsonl` is what was heard, `SNN.expect.json` what is right to say of it:
for each expense the values that are allowed, patterns that a text has or lacks, and
findings that must be there.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile import Reconciler, read_lines, to_data
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


STORIES = sorted((Path(__file__).parent / "backoffice").glob("*.jsonl"))
NAMES = ("company_id", "transaction_id", "name")


def problems(wanted: dict[str, Any], item: dict[str, Any]) -> Iterator[str]:
    """Yield each field of an expense that is not as it should be."""
    messages = [leg["message"] or "" for leg in item["legs"]]
    found = {
        **item,
        "verdict": item["retry"]["verdict"],
        "advice": item["retry"]["reason"],
        "message": " ".join(messages),
    }
    for field, allowed in wanted.items():
        name = field.removesuffix("_says").removesuffix("_lacks")
        value = found.get(name)
        if field in NAMES:
            continue
        if field.endswith("_says"):
            right = all(re.search(some, value or "", re.IGNORECASE) for some in allowed)
        elif field.endswith("_lacks"):
            right = not any(
                re.search(some, value or "", re.IGNORECASE) for some in allowed
            )
        else:
            right = value in allowed
        if not right:
            yield f"{wanted['name']}: {name} is {value!r}, expected {field}: {allowed}"


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_a_back_office_is_told_what_is_right(story: Path, tmp_path: Path) -> None:
    right = json.loads(story.with_suffix(".expect.json").read_text("utf-8"))
    with Reconciler.open(url_at(tmp_path / "books.db")) as books:
        books.ingest(read_lines(story.read_bytes().splitlines()))
        report = books.report(as_of=datetime.fromisoformat(right["as_of"]))

    data = to_data(report)
    items = {(i["company_id"], i["transaction_id"]): i for i in data["items"]}
    kinds = {finding["kind"] for finding in data["findings"]}
    for wanted in right["sure"]:
        item = items[wanted["company_id"], wanted["transaction_id"]]
        assert [*problems(wanted, item)] == [], right["right"]
    assert kinds >= set(right.get("findings", ())), right["right"]
    parts = right.get("findings_any", [""])
    assert not right.get("findings_any") or any(p in k for p in parts for k in kinds)
    text = json.dumps([data["totals"], data["causes"], data["items"]])
    assert [w for w in right.get("report_says", ()) if w not in text] == []


def test_there_are_stories() -> None:
    assert len(STORIES) > 50
