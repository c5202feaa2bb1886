"""Dossiers by hand: each entry one call, times as minutes after nine, oldest first."""

from collections.abc import Callable

import attrs

from reconcile.domain.observations import LegRow
from reconcile.domain.policy import DEFAULT
from reconcile.domain.rows import grouped
from reconcile.domain.vocabulary import NoticeKind, RequestOutcome
from reconcile.judgement.facts import (
    DatasetFacts,
    Expected,
    HookReport,
    Initiation,
    ItemFacts,
    LegReport,
    Link,
    Push,
    RowsRead,
    SyncFacts,
    SyncReport,
    Unsettled,
)
from reconcile.judgement.item import Dossier, Item
from reconcile.judgement.judge import judge
from reconcile.judgement.sync_context import survey
from reconcile.projections.folds import dataset_after, item_after, keys_in, sync_after
from reconcile.rules import BUILT_IN
from tests.builders import at

T = "t1"
DAY = 24 * 60.0
DEADLINE = 28 * 60.0
SUCCESSFUL, UNSUCCESSFUL = NoticeKind.SUCCESSFUL, NoticeKind.UNSUCCESSFUL


@attrs.define
class Ledger:
    """What is held so far, on its way to a dossier."""

    facts: ItemFacts = attrs.field(factory=ItemFacts)
    syncs: dict[str, SyncFacts] = attrs.field(factory=dict)
    datasets: dict[str, DatasetFacts] = attrs.field(factory=dict)
    rows: dict[int, tuple[LegRow, ...]] = attrs.field(factory=dict)
    entries: int = 0

    def of_sync(self, sync: str, entry: Initiation | SyncReport | RowsRead) -> None:
        self.syncs[sync] = sync_after(self.syncs.get(sync, SyncFacts()), entry)

    def of_dataset(self, dataset: str, entry: Push | Unsettled | Link) -> None:
        was = self.datasets.get(dataset, DatasetFacts())
        self.datasets[dataset] = dataset_after(was, entry)

    def of_item(self, entry: HookReport | Expected | Unsettled | LegReport) -> None:
        if isinstance(entry, LegReport):
            self.facts = attrs.evolve(self.facts, legs=(*self.facts.legs, entry))
        else:
            self.facts = item_after(self.facts, entry)


Entry = Callable[[Ledger], None]


def given(*entries: Entry) -> Dossier:
    """Return the dossier of `T` that these entries make."""
    ledger = Ledger()
    for entry in entries:
        ledger.entries += 1
        entry(ledger)
    contexts = {
        name: survey(
            name,
            facts,
            datasets=ledger.datasets,
            keys_of=lambda position: keys_in(grouped(ledger.rows[position])),
        )
        for name, facts in ledger.syncs.items()
    }
    return Dossier(
        company_id="c1",
        transaction_id=T,
        facts=ledger.facts,
        syncs=contexts,
        datasets=ledger.datasets,
    )


def judged(*entries: Entry, as_of: float = 100) -> Item:
    """Return the item as these entries, and a clock, make it."""
    return judge(given(*entries), as_of=at(as_of), policy=DEFAULT, rules=BUILT_IN)


def said_of(*entries: Entry, as_of: float = 100) -> tuple[str, str | None]:
    """Return state and kind."""
    item = judged(*entries, as_of=as_of)
    return item.state.value, None if item.kind is None else item.kind.value


def line_of(*entries: Entry, as_of: float = 100) -> str:
    """Return the rule that decided."""
    return judged(*entries, as_of=as_of).decided_by


def decided(*entries: Entry, as_of: float = 100) -> tuple[str, str | None, str]:
    """Return state, kind and the line that decided."""
    line = line_of(*entries, as_of=as_of).rpartition("line ")[2]
    return (*said_of(*entries, as_of=as_of), line)


# What we sent


def created(
    minute: float,
    sync: str = "s1",
    *,
    names: tuple[str, ...] = (T,),
    operation: str = "create",
    whole: bool = True,
) -> Entry:
    """Enter a create call that was accepted."""

    def enter(ledger: Ledger) -> None:
        moment = at(minute)
        ledger.of_sync(sync, Initiation(operation, (), names, whole, moment))
        if T in names:
            ledger.of_item(Expected(None, sync, operation, moment, ledger.entries))

    return enter


def updated(minute: float, sync: str = "s2", operation: str = "update") -> Entry:
    """Enter an update (PUT) that was accepted."""
    return created(minute, sync, operation=operation)


def pushed(
    minute: float,
    dataset: str = "d1",
    *,
    names: tuple[str, ...] = (T,),
    whole: bool = True,
) -> Entry:
    """Enter a dataset that was accepted."""

    def enter(ledger: Ledger) -> None:
        ledger.of_dataset(dataset, Push(names, whole, at(minute)))
        if T in names:
            entry = Expected(dataset, None, "push", at(minute), ledger.entries)
            ledger.of_item(entry)

    return enter


def started(minute: float, sync: str = "s1", *datasets: str) -> Entry:
    """Enter a sync of datasets that was accepted."""

    def enter(ledger: Ledger) -> None:
        named = datasets or ("d1",)
        ledger.of_sync(sync, Initiation("syncs", named, (), True, at(minute)))
        for dataset in named:
            ledger.of_dataset(dataset, Link(sync, at(minute)))

    return enter


def unsettled(
    minute: float,
    outcome: str,
    *,
    operation: str = "create",
    status: int = 400,
    words: str | None = None,
    dataset: str | None = None,
    request: str | None = None,
) -> Entry:
    """Enter what is told of a write: asked for, refused, lost, abandoned, accepted."""

    def enter(ledger: Ledger) -> None:
        name = request or f"request-{ledger.entries}"
        moment, source = at(minute), ledger.entries
        entry = Unsettled(
            name,
            RequestOutcome(outcome),
            operation,
            moment,
            status,
            words,
            source,
        )
        if dataset is None:
            ledger.of_item(entry)
        else:
            ledger.of_dataset(dataset, entry)

    return enter


def refused(minute: float, words: str | None = None, status: int = 400) -> Entry:
    """Enter a create call that was refused."""
    return unsettled(minute, "refused", words=words, status=status)


def lost(minute: float) -> Entry:
    """Enter a create call whose answer was lost."""
    return unsettled(minute, "lost", status=0)


# What Codat said


def status_read(
    minute: float, code: int | str | None, sync: str = "s1", words: str = ""
) -> Entry:
    """Enter a read of a sync's status."""

    def enter(ledger: Ledger) -> None:
        result = (words,) if words else ()
        report = SyncReport(code, str(code), result, None, None, at(minute))
        ledger.of_sync(sync, report)

    return enter


def page_read(
    minute: float,
    *rows: tuple[str, ...],
    sync: str = "s1",
    number: int | None = 1,
    size: int | None = 100,
    total: int | None = None,
    unread: int = 0,
    others: tuple[LegRow, ...] = (),
) -> Entry:
    """Enter a page's rows of `T`, as (word[, leg[, message]]), and of others."""

    def enter(ledger: Ledger) -> None:
        legs: tuple[LegRow, ...] = tuple(
            (T, row[0], _nth(row, 1), _nth(row, 2)) for row in rows
        )
        known = (*legs, *others)
        position = ledger.entries
        ledger.rows[position] = known
        count = len(known) + unread
        promised = count if total is None and number is not None else total
        reading = RowsRead(
            "transaction" if number is None else "page",
            number,
            size,
            promised,
            count,
            unread,
            at(minute),
            position,
            position,
        )
        ledger.of_sync(sync, reading)
        for _, word, leg, message in dict.fromkeys(legs):
            report = LegReport(
                sync, leg or "expense", word, message, at(minute), position
            )
            ledger.of_item(report)

    return enter


def _nth(row: tuple[str, ...], place: int) -> str | None:
    return row[place] if len(row) > place else None


def part_read(minute: float, *rows: tuple[str, ...], sync: str = "s1") -> Entry:
    """Enter a read of a page of a longer listing."""
    return page_read(minute, *rows, sync=sync, total=99)


def webhook_read(
    minute: float,
    kind: NoticeKind,
    word: str | None = None,
    message: str | None = None,
    *,
    sync: str = "s1",
    dated: bool = True,
    delivery: str | None = None,
) -> Entry:
    """Enter a webhook, with its word on `T` where it has one."""

    def enter(ledger: Ledger) -> None:
        position, moment = ledger.entries, at(minute)
        named = delivery or f"delivery-{position}"
        ledger.of_sync(sync, SyncReport(None, kind.value, (), kind, named, moment))
        if word is not None:
            ledger.rows[position] = ((T, word, None, message),)
            figures = ("webhook", None, None, None, 1, 0, moment, position, position)
            ledger.of_sync(sync, RowsRead(*figures))
            report = HookReport(sync, word, message, moment, dated, named, position)
            ledger.of_item(report)

    return enter


def worded(minute: float, word: str, message: str | None = None) -> Entry:
    """Enter a webhook's word on `T`."""
    return webhook_read(minute, UNSUCCESSFUL, word, message)  # fires on a warning too
