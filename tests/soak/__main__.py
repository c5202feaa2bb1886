"""`scripts/soak`: minutes of everything at once, told as it goes, and its figures."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.figures import figure_lines, memory_lines, progress_line
from tests.soak.plan import Plan
from tests.soak.soak import Soak, soak


def soak_command(arguments: list[str] | None = None) -> int:
    """Soak; return 1 where anything did not hold."""
    parser = argparse.ArgumentParser(prog="scripts/soak")
    parser.add_argument("minutes", type=_above_zero, metavar="MINUTES")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--rate",
        type=_above_zero,
        default=10.0,
        metavar="N",
        help="deliveries a second, beside the sandbox's own",
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    asked = parser.parse_args(arguments)
    plan = Plan(load_s=asked.minutes * 60, seed=asked.seed, rate=asked.rate)
    return run_plan(plan, keep=asked.keep)


def _above_zero(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def run_plan(plan: Plan, *, keep: bool = False) -> int:
    """Soak by a plan; print progress, figures, and what did not hold."""
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    began = time.monotonic()

    def tell(run: Soak) -> None:
        print(progress_line(run, time.monotonic() - began), flush=True)

    try:
        return print_outcome(soak(plan, folder, tell))
    finally:
        if keep:
            print(f"Kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def print_outcome(run: Soak) -> int:
    """Print figures and violations; return 1 where there is one."""
    print("", *figure_lines(run), "", *memory_lines(run), sep="\n")
    wrongs = run.wrongs()
    print(f"\nSeed {run.plan.seed}: {len(wrongs)} did not hold.")
    for line in wrongs:
        print(f"  {line}")
    return 1 if wrongs else 0


if __name__ == "__main__":
    sys.exit(soak_command())
