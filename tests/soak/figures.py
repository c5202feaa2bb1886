"""The figures of a soak, as lines: of its progress, of its end, of each process."""

from collections.abc import Iterator, Sequence

from tests.soak.memory import thirds
from tests.soak.registry import NO_ANSWER
from tests.soak.soak import Soak

_MIB = 2**20


def progress_line(run: Soak, at_s: float) -> str:
    """Return how a soak stands, in one line."""
    statuses = run.registry.statuses
    kills = sum(daemon.kills for daemon in run.daemons)
    stops = sum(len(daemon.stops_s) for daemon in run.daemons)
    sizes = ", ".join(
        f"{daemon.name} {daemon.runs[-1].samples[-1].rss_mib:.0f} MiB"
        for daemon in run.daemons[:2]
        if daemon.runs and daemon.runs[-1].samples
    )
    return (
        f"{at_s // 60:3.0f}:{at_s % 60:02.0f}  {statuses[204]} acknowledged,"
        f" {statuses[503]} refused, {statuses[NO_ANSWER]} unanswered;"
        f" {len(run.load.pushed)} expenses, {len(run.account.sync_ids())} syncs;"
        f" {kills} kills, {stops} stops; {sizes}; {len(run.wrongs())} wrong"
    )


def figure_lines(run: Soak) -> Iterator[str]:
    """Yield the figures of a soak that is over."""
    statuses, asker = run.registry.statuses, run.asker
    acknowledged = len(run.registry.acknowledged())
    yield f"deliveries acknowledged     {statuses[204]}, {acknowledged} different"
    yield f"  refused (503)             {statuses[503]}"
    yield f"  not answered (down)       {statuses[NO_ANSWER]}"
    yield f"  lost                      {len({*run.lost})}"
    yield f"expenses, syncs, writes     {len(run.load.pushed)}, {_written(run)}"
    yield f"pushes by exit status       {_statuses(run, 'push')}"
    for daemon in run.daemons:
        longest = max(daemon.stops_s, default=0.0)
        yield (
            f"{daemon.name:<27} {len(daemon.runs)} processes, {daemon.kills} killed,"
            f" {len(daemon.stops_s)} stopped in {longest:.2f} s at most"
        )
    for name in sorted(asker.seconds):
        seconds = sorted(asker.seconds[name])
        yield (
            f"{name:<27} {len(seconds)} times, p50 {_part(seconds, 0.5):.2f} s,"
            f" p99 {_part(seconds, 0.99):.2f} s"
        )
    yield f"rest until all was read     {run.rest_s:.0f} s"
    yield f"store                       {run.store.stat().st_size / _MIB:.1f} MiB"


def memory_lines(run: Soak) -> Iterator[str]:
    """Yield each process that ran long enough: its first third and its last."""
    for daemon in run.daemons:
        for number, process in enumerate(daemon.runs, 1):
            compared = thirds(process.samples)
            if compared is not None:
                yield (
                    f"{daemon.name} {number:<3} {compared.seconds:4.0f} s"
                    f"  RSS {compared.rss_first:6.1f} to {compared.rss_last:6.1f} MiB"
                    f"  descriptors {compared.descriptors_first:.0f}"
                    f" to {compared.descriptors_last:.0f}"
                )


def _written(run: Soak) -> str:
    return f"{len(run.account.sync_ids())}, {run.account.sandbox.writes}"


def _statuses(run: Soak, name: str) -> str:
    return ", ".join(
        f"{status}: {times}"
        for (asked, status), times in sorted(run.asker.statuses.items())
        if asked == name
    )


def _part(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
