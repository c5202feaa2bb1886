"""What a truthful Codat says of a sync: rows, pages, statuses, webhooks, all true."""

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import attrs

from tests.builders import entry, hook, legacy_hook, page, row, status, url

NEVER = 10**6
WRITTEN, FAILED = "Completed", ("PushError", "ValidationError")


class Said(NamedTuple):
    """One piece of evidence: its line, when it took effect, the write or sync it is of.

    `ours` is what we said, not Codat: kept where its loss would hide an attempt.
    """

    line: bytes
    at: float
    about: str
    ours: bool = False


class Fate(NamedTuple):
    """What becomes of one leg: the word, and from when it is listed and decided."""

    word: str
    listed: int
    decided: int
    message: str | None = None


@attrs.frozen(kw_only=True)
class Run:
    """One sync as it truly went."""

    sync_id: str
    requested: int
    ended: int
    code: int
    words: str = ""
    legs: dict[tuple[str, str], Fate]

    def rows(self, minute: float, only: str | None = None) -> list[dict[str, Any]]:
        """Return the rows that Codat lists at a minute."""
        return [
            row(name, fate.word, leg, fate.message)
            if fate.decided <= minute
            else row(name, "Pending", leg)
            for (name, leg), fate in sorted(self.legs.items())
            if fate.listed <= minute and only in (None, name)
        ]

    def words_of(self) -> list[tuple[str, str, str]]:
        """Return a webhook's word on each transaction, once the sync has ended."""
        result: dict[str, tuple[str, str, str]] = {}
        for (name, _), fate in sorted(self.legs.items()):
            if fate.word != WRITTEN:
                result[name] = (name, "Failed", fate.message or "")
            result.setdefault(name, (name, WRITTEN, ""))
        return list(result.values())


def statements_on(chance: Random, run: Run) -> Iterator[Said]:
    """Yield what Codat says of a sync: statuses, pages, single reads, webhooks."""
    about = run.sync_id
    last = min(run.ended, run.requested + 30)
    for minute in chance.sample(range(run.requested, last + 6), k=3):
        ended = minute >= run.ended
        code, words = (run.code, run.words) if ended else (1000, "")
        line = status(code, minutes=minute, sync=about, message=words)
        yield Said(line, minute, about)
    for minute in chance.sample(range(run.requested, last + 6), k=3):
        yield from _pages(chance, run, minute)
    minute = chance.randint(run.requested, last + 6)
    for name in sorted({name for name, _ in run.legs}):
        line = _single(run, name, minute)
        yield Said(line, minute, about)
    if run.ended < NEVER:
        yield from _webhooks(chance, run)


def _pages(chance: Random, run: Run, minute: int) -> Iterator[Said]:
    """Yield the pages of a listing, each as it stood when it was read."""
    size = chance.choice([1, 2, 100])
    rows = run.rows(minute)
    number = 1
    while number == 1 or (number - 1) * size < len(rows):
        shown = rows[(number - 1) * size : number * size]
        line = page(
            *shown,
            minutes=minute,
            number=number,
            size=size,
            total=len(rows),
            sync=run.sync_id,
        )
        yield Said(line, minute, run.sync_id)
        number += 1
        minute += chance.choice([0, 0, 1])
        rows = run.rows(minute)


def _single(run: Run, name: str, minute: int) -> bytes:
    place = url(f"/syncs/{run.sync_id}/transactions/{name}")
    return entry("GET", place, minutes=minute, answer=run.rows(minute, only=name))


def _webhooks(chance: Random, run: Run) -> Iterator[Said]:
    """Yield what is delivered at the end, perhaps late, perhaps twice."""
    good = run.code == 2000
    generated = run.ended + chance.choice([0, 1])
    received = generated + chance.choice([0, 1, 300, 60 * 27])
    if chance.random() < 0.3:
        rule = "Sync Completed" if good or chance.random() < 0.5 else "Sync Failed"
        yield Said(
            legacy_hook(rule, minutes=received, sync=run.sync_id),
            received,
            run.sync_id,
        )
        return
    event = "successful" if good else "unsuccessful"
    words = run.words_of() if chance.random() < 0.7 else []
    for again in range(chance.choice([1, 2])):
        line = hook(
            f"expenses.sync.{event}",
            *words,
            minutes=received + 5 * again,
            generated=generated,
            delivery=f"msg-{run.sync_id}",
            sync=run.sync_id,
        )
        yield Said(line, generated, run.sync_id)
