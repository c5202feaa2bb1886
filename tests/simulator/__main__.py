"""`scripts/simulate`: many seeds on every core, with the story of what fails."""

import argparse
import os
import sys
from collections.abc import Iterable
from multiprocessing import get_context

from rich.console import Console
from rich.progress import track

from tests.engines import POSTGRES, SQLITE, postgres_server
from tests.simulator.run import (
    CAPTURED,
    LIVE,
    NEIGHBOURS,
    NEIGHBOURS_EVERY,
    RETRIES,
    Failure,
    run_one,
)

SHOWN_MAX = 3


def main(arguments: list[str] | None = None) -> int:
    """Run seeds; return 1 where one fails."""
    parser = argparse.ArgumentParser(prog="scripts/simulate")
    parser.add_argument("--seeds", type=int, default=300, metavar="N")
    parser.add_argument("--from", type=int, default=0, metavar="SEED", dest="first")
    parser.add_argument("--stop", action="store_true", help="at the first that fails")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--live", action="store_true", help="only the live runs")
    kinds.add_argument("--captured", action="store_true", help="only the others")
    kinds.add_argument("--retries", action="store_true", help="plans of retries, alone")
    parser.add_argument("--mutants", action="store_true", help="hunt planted bugs")
    parser.add_argument(
        "--store",
        default=SQLITE,
        metavar="ENGINE",
        help="sqlite, postgresql, or the URL of a PostgreSQL database",
    )
    asked = parser.parse_args(arguments)
    if asked.mutants:
        from tests.simulator.mutants import hunt_all

        return hunt_all()
    seeds = range(asked.first, asked.first + asked.seeds)
    wanted = _kinds(asked)
    failures = simulate(seeds, wanted, stop=asked.stop, engine=served(asked.store))
    for failure in failures[:SHOWN_MAX]:
        print_failure(failure)
    result = " and ".join(wanted)
    print(f"{len(seeds)} seeds from {asked.first}, {result}: {len(failures)} failed.")
    for kind in wanted:
        failed = [str(item.seed) for item in failures if item.kind == kind]
        if failed:
            print(f"Failed {kind}:", " ".join(failed))
    return 1 if failures else 0


def _kinds(asked: argparse.Namespace) -> list[str]:
    """Return what is to be run: by default all but plans of retries."""
    if asked.retries:
        return [RETRIES]
    if asked.captured:
        return [CAPTURED]
    live = [LIVE, NEIGHBOURS]
    return live if asked.live else [CAPTURED, *live]


def served(store: str) -> str:
    """Return the engine that is asked for, its server at hand for all processes."""
    if store == SQLITE:
        return SQLITE
    server = postgres_server() if store == POSTGRES else store
    if not server.startswith("postgres"):
        raise SystemExit(f"{store!r} is not an engine, expected sqlite or postgresql")
    os.environ["RECONCILE_TEST_POSTGRES"] = server
    return POSTGRES


def simulate(
    seeds: Iterable[int],
    kinds: Iterable[str],
    *,
    stop: bool = False,
    engine: str = SQLITE,
) -> list[Failure]:
    """Return the runs that fail, by seed."""
    asked = [
        (kind, seed, engine)
        for seed in seeds
        for kind in kinds
        if kind != NEIGHBOURS or seed % NEIGHBOURS_EVERY == 0
    ]
    failures: list[Failure] = []
    with get_context("spawn").Pool(min(len(asked), os.cpu_count() or 1)) as pool:
        runs = pool.imap_unordered(run_one, asked, chunksize=1)
        shown = track(
            runs,
            total=len(asked),
            description="Simulating",
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        for failure in shown:
            if failure is not None:
                failures.append(failure)
                if stop:
                    break
    return sorted(failures, key=lambda item: (item.seed, item.kind))


def print_failure(failure: Failure) -> None:
    """Print a failure with its story."""
    print(f"\nSeed {failure.seed}, {failure.kind}, scenario {failure.scenario}:")
    for item in failure.broken:
        print(f"  {item}")
    print(f"  The story, {len(failure.story)} captured:")
    for line in failure.story[:40]:
        print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
