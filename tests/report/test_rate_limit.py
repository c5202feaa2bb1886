"""What a rate limit turned away: it waits as long as Codat said, then is sent."""

import json
from pathlib import Path

import pytest

from reconcile import Item, Reconciler, read_lines
from tests.builders import at, entry, expense_of, push_of, start, url, uuid_of
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


ONE = uuid_of(1)


def turned_away(wait: str | None, path: str = "/expense-transactions") -> bytes:
    return entry(
        "POST",
        url(path),
        status=429,
        request=[expense_of(ONE, "10")],
        answer={"error": "Too many requests"},
        answer_headers=None if wait is None else {"Retry-After": wait},
    )


def item_at(minutes: float, lines: list[bytes], folder: Path) -> Item:
    """Return the item at a moment, the same live and replayed, in either order."""
    found = []
    for number, order in enumerate((lines, lines[::-1])):
        store = url_at(folder / f"{minutes}-{number}.db")
        with Reconciler.open(store, now=lambda: at(minutes)) as books:
            books.ingest(read_lines(order))
            rows = [
                *books.report().items,
                *books.replayed_report(as_of=at(minutes)).items,
            ]
            found += [row.item for row in rows]
            assert books.tie_out().differences == []
    assert all(item == found[0] for item in found)
    return found[0]


@pytest.mark.parametrize(
    ("wait", "until"),
    [
        (None, 15),
        ("60", 15),
        ("3600", 60),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 120),
        ("soon", 15),
        ("", 15),
    ],
)
def test_it_waits_a_quarter_of_an_hour_or_as_long_as_codat_says(
    wait: str | None, until: int, tmp_path: Path
) -> None:
    lines = [turned_away(wait)]

    before, after = (item_at(until + d, lines, tmp_path) for d in (-1, 0))

    assert (before.state.value, before.verdict.value) == ("open", "WAIT")
    assert (after.state.value, after.verdict.value) == ("open", "RESEND")
    assert after.attempts == 0


def test_one_call_captured_with_and_without_its_headers_waits_the_longer(
    tmp_path: Path,
) -> None:
    lines = [turned_away(None), turned_away("3600")]

    assert item_at(59, lines, tmp_path).verdict.value == "WAIT"


def test_a_dataset_whose_sync_was_turned_away_waits_too(tmp_path: Path) -> None:
    limit = entry(
        "POST",
        url("/syncs"),
        minutes=5,
        status=429,
        request={"datasetIds": ["set"]},
        answer_headers={"Retry-After": "3600"},
    )
    lines = [push_of(expense_of(ONE, "10"), dataset="set"), limit]

    assert item_at(64, lines, tmp_path).verdict.value == "WAIT"
    item = item_at(65, lines, tmp_path)
    assert (item.verdict.value, item.action.value) == ("RESEND", "start_sync")
    begun = [*lines, start("set", minutes=70)]
    assert item_at(71, begun, tmp_path).verdict.value == "WAIT"


@pytest.mark.parametrize("odd", [[1], {"a": 1}, "x", None, [{"name": 1, "value": 2}]])
def test_odd_headers_of_an_answer_cost_nothing(odd: object, tmp_path: Path) -> None:

    data = json.loads(turned_away("60"))
    data["response"]["headers"] = odd

    item = item_at(20, [json.dumps(data).encode()], tmp_path)

    assert item.verdict.value == "RESEND"
