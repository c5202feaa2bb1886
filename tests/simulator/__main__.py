"""`scripts/simulate`: many seeds on every core, with the story of what fails."""

import argparse
import os
import sys
from collections.abc import Iterable
from multiprocessing import get_context

from rich.console import Console
from rich.progress import track

from tests.simulator.run import Failure, run, run_live

SHOWN_MAX = 3


def main(arguments: list[str] | None = None) -> int:
    """Run seeds; return 1 where one fails."""
    parser = argparse.ArgumentParser(prog="scripts/simulate")
    parser.add_argument("--seeds", type=int, default=300, metavar="N")
    parser.add_argument("--from", type=int, default=0, metavar="SEED", dest="first")
    parser.add_argument("--stop", action="store_true", help="at the first that fails")
    parser.add_argument("--live", action="store_true", help="client, follower, crashes")
    parser.add_argument("--mutants", action="store_true", help="hunt planted bugs")
    asked = parser.parse_args(arguments)
    if asked.mutants:
        from tests.simulator.mutants import hunt_all

        return hunt_all()
    seeds = range(asked.first, asked.first + asked.seeds)
    failures = simulate(seeds, stop=asked.stop, live=asked.live)
    for failure in failures[:SHOWN_MAX]:
        tell(failure)
    print(f"{len(seeds)} seeds from {asked.first}: {len(failures)} failed.")
    if failures:
        print("Seeds:", " ".join(str(one.seed) for one in failures))
    return 1 if failures else 0


def simulate(
    seeds: Iterable[int], *, stop: bool = False, live: bool = False
) -> list[Failure]:
    """Return the runs that fail, by seed."""
    seeds = list(seeds)
    failures: list[Failure] = []
    with get_context("spawn").Pool(min(len(seeds), os.cpu_count() or 1)) as pool:
        runs = pool.imap_unordered(run_live if live else run, seeds, chunksize=1)
        shown = track(
            runs,
            total=len(seeds),
            description="Simulating",
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        for failure in shown:
            if failure is not None:
                failures.append(failure)
                if stop:
                    break
    return sorted(failures, key=lambda one: one.seed)


def tell(failure: Failure) -> None:
    """Print a failure with its story."""
    print(f"\nSeed {failure.seed}, scenario {failure.scenario}:")
    for one in failure.broken:
        print(f"  {one}")
    print(f"  The story, {len(failure.story)} captured:")
    for line in failure.story[:40]:
        print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
