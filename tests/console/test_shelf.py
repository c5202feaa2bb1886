"""Frozen plans: the latest are there, by their digest alone."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from reconcile import Plan
from reconcile.console.retrying.shelf import PlanShelf
from reconcile.retries.policy import RetryPolicy
from tests.builders import at
from tests.console.browser import Browser
from tests.console.forms import form_in
from tests.console.retry_place import Place, frozen, place_at

PLAN = Plan(as_of=at(0), position=1, ruleset="r", judged_by="p", policy=RetryPolicy())


def plans(number: int) -> list[Plan]:
    return [attrs.evolve(PLAN, as_of=at(0) + timedelta(hours=n)) for n in range(number)]


@pytest.mark.parametrize("in_files", [False, True])
def test_the_plan_that_is_longest_unused_goes_first(
    tmp_path: Path, in_files: bool
) -> None:
    folder = tmp_path / "plans" if in_files else None
    shelf = PlanShelf(folder, most=2)
    digits = []
    for age, plan in enumerate(plans(3)):
        digits.append(shelf.freeze(plan))
        if folder is not None:
            os.utime(folder / f"{digits[-1]}.json", (age, age))

    seen = PlanShelf(folder, most=2) if in_files else shelf
    assert [seen.frozen(name) for name in digits] == [None, *plans(3)[1:]]


def test_a_folder_that_cannot_be_written_leaves_the_plan_with_its_process(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    shelf = PlanShelf(tmp_path / "file" / "plans")

    assert shelf.frozen(shelf.freeze(PLAN)) == PLAN


def test_only_digits_of_a_digest_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_bytes(PLAN.to_json())
    shelf = PlanShelf(tmp_path / "plans")

    assert shelf.frozen("../other") is None


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Give an office with something that may be sent again."""
    with place_at(tmp_path) as found:
        yield found


def test_every_process_with_the_worksheet_has_the_frozen_plans(
    place: Place, tmp_path: Path
) -> None:
    worksheet = tmp_path / "console.sheet"
    with (
        place.console(worksheet=worksheet) as app,
        place.console(worksheet=worksheet) as another,
        place.console() as apart,
    ):
        where, _ = frozen(Browser(app))
        answer = Browser(another).get(where)
        refused = Browser(apart).get(where)
    with place.console(worksheet=worksheet) as anew:
        after = Browser(anew).get(f"{where}/plan.json")

    assert (answer.status_code, refused.status_code) == (200, 404)
    assert form_in(answer.text, "/run").buttons
    digest = f"sha256:{where.rpartition('/')[2]}"
    assert Plan.from_json(after.content).digest == digest


def test_a_plan_whose_file_was_changed_is_not_there(
    place: Place, tmp_path: Path
) -> None:
    worksheet = tmp_path / "console.sheet"
    with place.console(worksheet=worksheet) as app:
        where, _ = frozen(Browser(app))
    (file,) = (tmp_path / "console.sheet.plans").iterdir()
    file.write_bytes(file.read_bytes().replace(b'"n":1', b'"n":2'))

    with place.console(worksheet=worksheet) as anew:
        assert Browser(anew).get(where).status_code == 404


def test_a_plan_without_lines_starts_no_run(place: Place, tmp_path: Path) -> None:
    digits = PlanShelf(tmp_path / "console.sheet.plans").freeze(PLAN)
    with place.console(worksheet=tmp_path / "console.sheet") as app:
        browser = Browser(app)
        token = form_in(browser.get("/retries").text, "/retries/plan").all("csrf")[0]
        answer = browser.post(
            f"/retries/{digits}/run", {"csrf": token, "reason": "The period is open."}
        )
        run = browser.get(f"/retries/runs/{digits}")

    assert (answer.status_code, run.status_code) == (409, 404)
    assert "has nothing to send" in answer.text
