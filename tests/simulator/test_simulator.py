"""The hunt in CI: three hundred seeds hold, and every planted bug is caught."""

from pathlib import Path

import pytest

from tests.simulator.__main__ import tell
from tests.simulator.mutants import PATCHES, WINDOW_MAX, hunt, mutant
from tests.simulator.run import run, run_live

SEEDS = 300
LIVE_SEEDS = 100
TOGETHER = 10


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_every_report_agrees_with_the_books(first: int) -> None:
    failures = [run(seed) for seed in range(first, first + TOGETHER)]

    for failure in failures:
        if failure is not None:
            tell(failure)
    assert [one.seed for one in failures if one is not None] == []


@pytest.mark.parametrize("first", range(0, LIVE_SEEDS, TOGETHER))
def test_every_live_report_agrees_with_the_books(first: int) -> None:
    failures = [run_live(seed) for seed in range(first, first + TOGETHER)]

    for failure in failures:
        if failure is not None:
            tell(failure)
    assert [one.seed for one in failures if one is not None] == []


def test_there_are_at_least_ten_planted_bugs_with_small_windows() -> None:
    windows = [mutant(patch).seeds for patch in PATCHES]

    assert len(windows) >= 10
    assert max(windows) <= WINDOW_MAX


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_is_caught_within_its_window(patch: Path, tmp_path: Path) -> None:
    one = mutant(patch)

    caught, told = hunt(one, tmp_path, first=one.first, seeds=one.seeds)

    assert caught, told
