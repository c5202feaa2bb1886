"""Planted bugs: each patch in `tests/mutants/`, hunted by the simulator.

The first line of a patch says what it plants, the second the seeds that catch it:
`# seeds: 40-59`, `# live seeds: 40-59`, or `# retries seeds: 40-59`. A window holds at
most twenty.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import attrs

from tests.simulator.run import CAPTURED

ROOT: Final = Path(__file__).parent.parent.parent
PATCHES: Final = sorted((ROOT / "tests" / "mutants").glob("*.patch"))
WINDOW_MAX: Final = 20
HUNT_SEEDS: Final = 300


@attrs.frozen(kw_only=True)
class Mutant:
    """One planted bug."""

    patch: Path
    says: str
    kind: str  # of the runs that catch it
    first: int
    last: int

    @property
    def seeds(self) -> int:
        """Return how many seeds its window holds."""
        return self.last - self.first + 1


def mutant(patch: Path) -> Mutant:
    """Return what the head of a patch says."""
    says, window = patch.read_text("utf-8").splitlines()[:2]
    found = re.fullmatch(r"# (?:(live|retries) )?seeds: (\d+)-(\d+)", window)
    assert found is not None, f"{patch.name} names no window"
    return Mutant(
        patch=patch,
        says=says.removeprefix("# "),
        kind=found[1] or CAPTURED,
        first=int(found[2]),
        last=int(found[3]),
    )


def hunt(item: Mutant, folder: Path, *, first: int, seeds: int) -> tuple[bool, str]:
    """Return whether a window of seeds catches a bug, and what was printed.

    The bug lives in a copy of the sources, and never here.
    """
    for name in ("reconcile", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    subprocess.run(
        ["git", "apply", "--whitespace=nowarn", str(item.patch)],  # noqa: S607 - as installed
        cwd=folder,
        check=True,
        capture_output=True,
    )
    command = [sys.executable, "-m", "tests.simulator", "--stop", "--from", str(first)]
    ran = subprocess.run(
        [*command, "--seeds", str(seeds), f"--{item.kind}"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    result = ran.stdout + ran.stderr
    return ran.returncode == 1 and "Seed " in ran.stdout, result


def hunt_all() -> int:
    """Hunt every mutant over many seeds, print what catches it; 1 where one escapes."""
    import tempfile

    escaped = 0
    for patch in PATCHES:
        item = mutant(patch)
        with tempfile.TemporaryDirectory() as folder:
            caught, result = hunt(item, Path(folder), first=0, seeds=HUNT_SEEDS)
        found = re.search(r"^Seed (\d+)", result, re.MULTILINE)
        by = f"caught by seed {found[1]}" if caught and found else "ESCAPED"
        print(f"{patch.stem:<40} {by:<22} {item.says}", flush=True)
        escaped += not caught
    return 1 if escaped else 0
