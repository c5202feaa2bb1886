"""The hunt in CI: three hundred seeds hold, both ways; planted bugs are caught."""

from pathlib import Path

import pytest

from tests.simulator.__main__ import print_failure
from tests.simulator.mutants import PATCHES, WINDOW_MAX, hunt, mutant
from tests.simulator.run import run, run_live, run_neighbours

SEEDS = 300
TOGETHER = 10


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_every_report_agrees_with_the_books(first: int) -> None:
    failures = [run(seed) for seed in range(first, first + TOGETHER)]

    for failure in failures:
        if failure is not None:
            print_failure(failure)
    assert [item.seed for item in failures if item is not None] == []


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_every_live_report_agrees_with_the_books(first: int) -> None:
    failures = [run_live(seed) for seed in range(first, first + TOGETHER)]

    for failure in failures:
        if failure is not None:
            print_failure(failure)
    assert [item.seed for item in failures if item is not None] == []


@pytest.mark.parametrize("seed", range(0, SEEDS, 8 * TOGETHER))
def test_neighbours_of_troubled_companies_are_known_as_soon_as_alone(seed: int) -> None:
    failure = run_neighbours(seed)

    if failure is not None:
        print_failure(failure)
    assert failure is None


def test_there_are_planted_bugs_of_both_kinds_with_small_windows() -> None:
    planted = [mutant(patch) for patch in PATCHES]

    live = sum(item.live for item in planted)
    assert len(planted) - live >= 10
    assert live >= 5
    assert max(entry.seeds for entry in planted) <= WINDOW_MAX


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_is_caught_within_its_window(patch: Path, tmp_path: Path) -> None:
    item = mutant(patch)

    caught, result = hunt(item, tmp_path, first=item.first, seeds=item.seeds)

    assert caught, result
