"""A small Codat that tells the truth: what it did, and everything it said of it.

Without it nobody could say whether a judgement is false: the second law compares what
we say with what is in these books. Times are minutes after nine.

What the model leaves out, because nothing captured could tell it apart: a write of ours
whose capture is lost as well (only the first one may be).
"""

import json
from collections.abc import Iterable
from random import Random

import attrs

from tests.builders import (
    create,
    push,
    start,
    update,
    uuid_of,
)
from tests.judgement.telling import (
    FAILED,
    NEVER,
    WRITTEN,
    Fate,
    Run,
    Said,
    statements_on,
)

REFUSED = ({"error": "The bank account does not exist."}, 400)


@attrs.define
class Truth:
    """The books, and everything that was said."""

    legs: dict[str, tuple[str, ...]]
    books: dict[tuple[str, str], int] = attrs.field(factory=dict)
    statements: list[Said] = attrs.field(factory=list)
    runs: list[Run] = attrs.field(factory=list)

    def in_books(self, name: str, minute: float) -> bool:
        """Return whether every leg of an expense is written by a minute."""
        return all(
            self.books.get((name, leg), NEVER) <= minute for leg in self.legs[name]
        )

    def keep(self, run: Run) -> None:
        """Enter what a sync writes into the books."""
        self.runs.append(run)
        for leg, fate in run.legs.items():
            if fate.word == WRITTEN:
                self.books[leg] = min(fate.decided, self.books.get(leg, NEVER))


def live(chance: Random) -> Truth:
    """Return one story: a first sync, perhaps a second, perhaps an update."""
    names = [uuid_of(n) for n in range(chance.choice([1, 1, 2, 3]))]
    legs = [("expense",), ("bankfeeds", "expense")]
    truth = Truth({name: chance.choice(legs) for name in names})
    caller = Caller(chance, truth, v1=chance.random() < 0.5)
    begun = chance.choice([2, 5])
    if chance.random() < 0.2:
        caller.refused_or_lost(names)
    first = _first(chance, truth, names, begun)
    may_lose_later = caller.asks(first, names, loses=chance.random() < 0.15)
    truth.statements += statements_on(chance, first)
    if chance.random() < 0.6:
        ended = first.ended if first.ended < NEVER else first.requested
        later = ended + chance.choice([1, 30, 60 * 27, 60 * 40])
        if first.ended == NEVER or chance.random() < 0.4:
            caller.dies(names, later)
        else:
            caller.goes_on(later, may_lose=may_lose_later)
    if {item.about for item in truth.statements if item.ours} <= _FIRST:
        truth.statements = [entry._replace(ours=False) for entry in truth.statements]
    return truth


_FIRST = {"sync-1", "lost-sync-1", "set-of-sync-1"}


@attrs.define
class Caller:
    """We, as Codat hears us: pushes, syncs, creates and updates."""

    chance: Random
    truth: Truth
    v1: bool

    def refused_or_lost(self, names: list[str]) -> None:
        """Send a write that never comes to a sync."""
        body, code = self.chance.choice([REFUSED, ("", 0), ("", 503), ("", 429)])
        line = create(*names, minutes=0, status=code, answer=body)
        self.truth.statements.append(Said(line, 0, "before", ours=True))

    def asks(self, run: Run, names: list[str], *, loses: bool) -> bool:
        """Send a write that starts a sync; return whether its answer came."""
        at, reported = run.requested, self.truth.statements
        code = self.chance.choice([0, 408, 503]) if loses else None
        about = f"lost-{run.sync_id}" if loses else run.sync_id
        if not self.v1:
            line = create(*names, minutes=at, sync=run.sync_id, status=code or 200)
            reported.append(Said(line, at, about, ours=True))
            return not loses
        dataset = f"set-of-{run.sync_id}"
        line = push(*names, minutes=at - 1, dataset=dataset)
        reported.append(Said(line, at - 1, dataset, ours=True))
        line = start(dataset, minutes=at, sync=run.sync_id, status=code or 202)
        reported.append(Said(line, at, about, ours=True))
        return not loses

    def dies(self, names: list[str], later: int) -> None:
        """Send all again, whatever came of it before, in vain: nothing is tried."""
        chance, truth = self.chance, self.truth
        body, code = chance.choice([REFUSED, ({"error": "Bad key."}, 401), (None, 200)])
        if code != 200:
            line = create(*names, minutes=later, status=code, answer=body)
            truth.statements.append(Said(line, later, "again", ours=True))
            return
        why = chance.choice([2040, 4000, 4040, 4220, 4260, 5000])
        again = Run(
            sync_id="sync-2", requested=later, ended=later + 4, code=why, legs={}
        )
        truth.keep(again)
        self.asks(again, names, loses=False)
        truth.statements += statements_on(chance, again)

    def goes_on(self, later: int, *, may_lose: bool) -> None:
        """Send again what failed, or what did not, or update what is written."""
        chance, truth = self.chance, self.truth
        names = sorted(truth.legs)
        written = [name for name in names if truth.in_books(name, later)]
        failed = [name for name in names if name not in written]
        deed = chance.choice(["resend", "resend", "blind", "update"])
        if deed == "resend" and failed:
            again = _attempt(chance, truth, failed, "sync-2", later)
        elif deed == "blind" and written:
            failed = names
            again = _duplicate(chance, truth, names, written, later)
        elif deed == "update" and written:
            self.updates(chance.choice(written), later)
            return
        else:
            return
        self.asks(again, failed, loses=may_lose and chance.random() < 0.15)
        truth.statements += statements_on(chance, again)

    def updates(self, name: str, later: int) -> None:
        """Send an update of an expense that is in the books."""
        chance, truth = self.chance, self.truth
        refused = chance.random() < 0.2
        body, code = REFUSED if refused else (None, 202)
        line = update(name, minutes=later, sync="sync-3", status=code, answer=body)
        truth.statements.append(Said(line, later, "sync-3", ours=True))
        if not refused:
            run = _attempt(chance, truth, [name], "sync-3", later)
            truth.statements += statements_on(chance, run)


def _first(chance: Random, truth: Truth, names: list[str], begun: int) -> Run:
    run = _attempt(chance, truth, names, "sync-1", begun)
    if chance.random() < 0.9:
        return run
    unending = attrs.evolve(run, ended=NEVER, code=1000)
    truth.runs[-1] = unending
    return unending


def _attempt(
    chance: Random, truth: Truth, names: list[str], sync_id: str, begun: int
) -> Run:
    """Return a sync that writes all, some or nothing; what is written stays so."""
    end = begun + chance.choice([2, 6, 20])
    how = chance.choice(["well", "mixed", "mixed", "mixed", "nothing", "no data"])
    legs: dict[tuple[str, str], Fate] = {}
    code = {"nothing": chance.choice([4000, 4040, 5000]), "no data": 2040}.get(
        how, 2000
    )
    for leg in [(n, leg) for n in names for leg in truth.legs[n] if code == 2000]:
        listed = chance.randint(begun, end)
        decided = chance.randint(listed, end)
        word, message = WRITTEN, None
        stored = truth.books.get(leg) is not None and sync_id != "sync-3"
        if stored and chance.random() < 0.3:
            continue  # a leg that is written need not be listed again
        if how == "mixed" and not stored and chance.random() < 0.5:
            word, message = chance.choice(FAILED), "It was refused."
        legs[leg] = Fate(word, listed, decided, message)
    if any(fate.word != WRITTEN for fate in legs.values()):
        code = chance.choice([5130, 5120])
    run = Run(sync_id=sync_id, requested=begun, ended=end, code=code, legs=legs)
    truth.keep(run)
    return run


def _duplicate(
    chance: Random, truth: Truth, names: list[str], written: list[str], begun: int
) -> Run:
    """Return a sync that duplicate protection stops: it names what is written."""
    end = begun + chance.choice([2, 6])
    result = "One or more transactions have previously been processed: "
    result += ", ".join(written)
    legs = {
        (name, leg): Fate("PushError", begun, chance.randint(begun, end), result)
        for name in names
        for leg in truth.legs[name]
    }
    run = Run(
        sync_id="sync-2", requested=begun, ended=end, code=5080, words=result, legs=legs
    )
    truth.keep(run)
    return run


def lose(chance: Random, reported: Iterable[Said], share: float = 0.4) -> list[Said]:
    """Return what is left when a share of it is lost, in any order."""
    left = [item for item in reported if item.ours or chance.random() >= share]
    chance.shuffle(left)
    return left


def latest_known(left: Iterable[Said], name: str, minute: float) -> float | None:
    """Return when the latest attempt began, as what is left by a minute shows it."""
    began: dict[str, tuple[int, float]] = {}
    for item in left:
        if (item.at <= minute and name.encode() in item.line) or _starts(item):
            rank = (0 if _starts(item) else 1, item.at)
            began[item.about] = min(rank, began.get(item.about, rank))
    return max((at for _, at in began.values() if at <= minute), default=None)


def _starts(item: Said) -> bool:
    return json.loads(item.line)["request"]["method"] in ("POST", "PUT") and (
        b"backoffice" not in item.line
    )
