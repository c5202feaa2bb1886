"""What would change a judgement: what could still be heard, judged by the rules."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from reconcile import Reconciler, Story, read_lines
from tests.builders import (
    SYNC,
    at,
    create,
    page,
    push,
    row,
    start,
    status,
    uuid_of,
)
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


ONE, TWO = uuid_of(1), uuid_of(2)


def story(lines: Iterable[bytes], folder: Path, minutes: float = 10) -> Story:
    with Reconciler.open(url_at(folder / "books.db")) as books:
        books.ingest(read_lines(lines))
        (found,) = books.explain(ONE, as_of=at(minutes))
    return found


def outcomes(found: Story) -> list[tuple[str, str, str]]:
    return [
        (asked.condition, asked.item.state.value, asked.item.verdict.value)
        for asked in found.changes
    ]


def test_an_unread_page_could_say_that_it_is_in_the_books(tmp_path: Path) -> None:
    found = story(
        [
            create(ONE, TWO),
            status(2000, minutes=1),
            page(row(TWO), minutes=2, size=1, total=2),
        ],
        tmp_path,
    )

    conditions = outcomes(found)
    assert (
        f"page 2 of sync {SYNC} read, and it completed there",
        "matched",
        "NEVER",
    ) in conditions
    assert (
        f"all pages of sync {SYNC} read, without it",
        "break",
        "RESEND",
    ) in conditions


def test_the_end_of_a_sync_would_decide_what_its_page_said(tmp_path: Path) -> None:
    found = story([push(ONE), start(minutes=1), page(row(ONE), minutes=2)], tmp_path)

    assert outcomes(found)[0] == (f"sync {SYNC} ended well (2000)", "matched", "NEVER")


def test_a_request_in_doubt_could_be_abandoned(tmp_path: Path) -> None:
    found = story([create(ONE, status=503, answer="")], tmp_path, minutes=60)

    ((condition, state, verdict),) = [
        asked for asked in outcomes(found) if "abandoned" in asked[0]
    ]
    assert condition.startswith("request ")
    assert (state, verdict) == ("open", "RESEND")


def test_a_deadline_is_named_with_its_moment(tmp_path: Path) -> None:
    found = story([create(ONE)], tmp_path)

    last = found.changes[-1]
    assert last.condition == "news of none by then"
    assert last.at == at(28 * 60)
    assert last.item.kind is not None
    assert last.item.kind.value == "STUCK"


def test_nothing_changes_what_is_in_the_books(tmp_path: Path) -> None:
    found = story(
        [create(ONE), status(2000, minutes=1), page(row(ONE), minutes=2)], tmp_path
    )

    assert not found.changes
