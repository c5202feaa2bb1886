"""Whether a process that runs on takes ever more memory or descriptors: /proc, thirds.

A leak shows as a line that rises. The first and the last third of one run are compared
by their medians, so that one large report is no leak; what a process loads while it
begins is left out.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

BEGIN_S: Final = 10.0  # of a run, left out: modules and caches are loaded
JUDGED_FROM_S: Final = 60.0  # of a run, without its beginning
RSS_SLACK: Final = 0.1
RSS_SLACK_MIB: Final = 8.0
DESCRIPTORS_SLACK: Final = 8
_MIB: Final = 2**20


class Sample(NamedTuple):
    """A process at one moment, in seconds since it began."""

    at_s: float
    rss_mib: float
    descriptors: int


class Thirds(NamedTuple):
    """The medians of the first and of the last third of a run."""

    seconds: float
    rss_first: float
    rss_last: float
    descriptors_first: float
    descriptors_last: float

    def rises(self) -> str | None:
        """Return what rose by more than its slack, None where nothing did."""
        rss_most = self.rss_first * (1 + RSS_SLACK) + RSS_SLACK_MIB
        if self.rss_last > rss_most:
            return f"memory rose from {self.rss_first:.1f} to {self.rss_last:.1f} MiB"
        if self.descriptors_last > self.descriptors_first + DESCRIPTORS_SLACK:
            first, last = self.descriptors_first, self.descriptors_last
            return f"descriptors rose from {first:.0f} to {last:.0f}"
        return None


def sample_process(pid: int, at_s: float) -> Sample | None:
    """Return how a process stands, None where it is gone."""
    proc = Path("/proc") / str(pid)
    try:
        pages = int((proc / "statm").read_text("ascii").split()[1])
        descriptors = len(os.listdir(proc / "fd"))
    except (OSError, IndexError):
        return None
    return Sample(at_s, pages * os.sysconf("SC_PAGE_SIZE") / _MIB, descriptors)


def thirds(samples: Sequence[Sample]) -> Thirds | None:
    """Return the thirds of a run, None where it was too short to say anything."""
    steady = [sample for sample in samples if sample.at_s >= BEGIN_S]
    if not steady or steady[-1].at_s - BEGIN_S < JUDGED_FROM_S:
        return None
    size = len(steady) // 3
    first, last = steady[:size], steady[-size:]
    return Thirds(
        steady[-1].at_s - BEGIN_S,
        median(sample.rss_mib for sample in first),
        median(sample.rss_mib for sample in last),
        median(sample.descriptors for sample in first),
        median(sample.descriptors for sample in last),
    )
