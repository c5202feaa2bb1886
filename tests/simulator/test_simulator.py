"""The hunt in CI: hundreds of seeds hold, each way; planted bugs are caught."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines import POSTGRES, postgres_server, using
from tests.simulator.__main__ import main, print_failure
from tests.simulator.mutants import PATCHES, WINDOW_MAX, hunt, mutant
from tests.simulator.run import (
    CAPTURED,
    LIVE,
    RETRIES,
    Failure,
    run,
    run_live,
    run_neighbours,
    run_retries,
)

SEEDS = 100  # more by hand: scripts/simulate
RETRIES_SEEDS = 20  # two thousand, by hand: scripts/simulate --retries --seeds 2000
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


@pytest.mark.parametrize("first", range(0, RETRIES_SEEDS, TOGETHER))
def test_plans_of_retries_book_everything_once(first: int) -> None:
    failures = [run_retries(seed) for seed in range(first, first + TOGETHER)]

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


SEEDS_ON_POSTGRES: list[tuple[Callable[[int], Failure | None], range]] = [
    (run, range(10)),
    (run_live, range(5)),
    (run_retries, range(2)),
    (run_neighbours, range(1)),
]  # more by hand: scripts/simulate --store postgresql


@pytest.mark.parametrize(("live_through", "seeds"), SEEDS_ON_POSTGRES)
def test_some_seeds_of_each_kind_hold_on_postgresql(
    live_through: Callable[[int], Failure | None], seeds: range
) -> None:
    with using(POSTGRES):
        failures = [live_through(seed) for seed in seeds]

    for failure in failures:
        if failure is not None:
            print_failure(failure)
    assert [item.seed for item in failures if item is not None] == []


def test_the_hunt_takes_a_store(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = postgres_server()
    monkeypatch.setenv("RECONCILE_TEST_POSTGRES", server)

    assert main(["--seeds", "1", "--captured", "--store", server]) == 0

    assert "1 seeds from 0, captured: 0 failed." in capsys.readouterr().out


def test_there_are_planted_bugs_of_every_kind_with_small_windows() -> None:
    planted = [mutant(patch) for patch in PATCHES]

    kinds = Counter(item.kind for item in planted)
    assert kinds[CAPTURED] >= 10
    assert kinds[LIVE] >= 5
    assert kinds[RETRIES] >= 1
    assert max(entry.seeds for entry in planted) <= WINDOW_MAX


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_a_planted_bug_is_caught_within_its_window(patch: Path, tmp_path: Path) -> None:
    item = mutant(patch)

    caught, result = hunt(item, tmp_path, first=item.first, seeds=item.seeds)

    assert caught, result
