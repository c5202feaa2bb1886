"""How answers look on a terminal: sentences and tables for people in finance."""

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconcile.audit.tie_out import TieOut
from reconcile.domain.instants import format_instant
from reconcile.domain.item import Item
from reconcile.domain.vocabulary import ItemState
from reconcile.intake import Intake
from reconcile.pieces import Unread
from reconcile.report.build import Judged, Report
from reconcile.report.story import Story, Told, Turned
from reconcile.report.wire import digest

_PIPE_COLUMNS = 120
_COLOURS = {
    ItemState.BREAK: "red",
    ItemState.OPEN: "yellow",
    ItemState.MATCHED: "green",
    ItemState.CLEARED: "green",
    ItemState.WAIVED: "cyan",
}


def console(stream: TextIO) -> Console:
    """Return a console that keeps to the terminal's width, or to a fixed one."""
    width = None if stream.isatty() else _PIPE_COLUMNS
    return Console(file=stream, width=width, highlight=False, emoji=False)


def intake(intakes: Iterable[Intake]) -> str:
    """Return in one sentence what became of what was taken in."""
    told = list(intakes)
    parts = [
        f"{sum(one.read for one in told)} read",
        f"{sum(one.seen_before for one in told)} seen before",
        f"{sum(one.quarantined for one in told)} quarantined",
        f"{sum(one.not_codats for one in told)} not Codat's",
    ]
    aside = sum(one.set_aside for one in told)
    if aside:
        parts.append(f"{aside} set aside before")
    return ", ".join(parts) + "."


def unread(one: Unread) -> str:
    """Return in one sentence where something stood that could not be read, and why."""
    where = f"{one.where}: " if one.where else ""
    return f"{where}{one.reason} (kept as sha256:{one.digest})"


def unreliable(report: Report) -> str:
    """Return in one sentence why a report may be wrong."""
    parts = []
    if report.unprocessed:
        parts.append(_pieces(report.unprocessed))
    if report.poisoned:
        parts.append(f"{report.poisoned} stored events could not be read")
    return f"This report may be incomplete: {' and '.join(parts)}."


def unread_evidence(number: int) -> str:
    """Return in one sentence why a story may be wrong."""
    return f"This story may be incomplete: {_pieces(number)}."


def _pieces(number: int) -> str:
    pieces = "piece" if number == 1 else "pieces"
    return f"{number} {pieces} of evidence could not be read"


def report(report: Report, stream: TextIO) -> None:
    """Write the report as text."""
    out = console(stream)
    totals = report.totals
    known = (
        f", by what was known at {format_instant(report.known_at)}"
        if report.known_at
        else ""
    )
    out.print(Text(f"As of {format_instant(report.as_of)}{known}"))
    out.print(
        Text(
            f"{totals.items} expenses: {totals.matched} matched,"
            f" {totals.cleared} cleared, {totals.open} open,"
            f" {totals.broken} broken, {totals.waived} waived"
        )
    )
    shown = [
        one
        for one in report.items
        if one.item.state in (ItemState.BREAK, ItemState.OPEN)
    ]
    if shown:
        out.print()
        for one in shown:
            _item(out, one)
    if report.syncs:
        out.print()
        out.print(_syncs(report))
    if report.findings:
        out.print()
        out.print(Text("Findings", style="bold"))
        for finding in report.findings:
            about = (
                finding.transaction_id or finding.sync_id or finding.company_id or ""
            )
            out.print(Text(f"  {finding.kind.value}  {about}  {finding.reason}"))
    out.print()
    out.print(Text(f"Rules {report.ruleset}, position {report.position}"))
    out.print(Text(digest(report)))


def _item(out: Console, judged: Judged) -> None:
    item = judged.item
    head = Text(f"{item.state.value} ", style=_COLOURS[item.state])
    head.append(f"{item.kind.value} " if item.kind else "")
    head.append(judged.transaction_id, style="bold")
    head.append(f"  company {judged.company_id}", style="dim")
    out.print(head)
    out.print(Text(f"  {item.reason}"))
    for leg in item.legs:
        name = leg.integration_type or "webhook"
        out.print(Text(f"  {name}: {leg.status}, {format_instant(leg.reported_at)}"))
    out.print(Text(f"  {item.verdict.value}: {item.advice}"))
    tail = _tail(item)
    if tail:
        out.print(Text(f"  {tail}", style="dim"))


def _tail(item: Item) -> str:
    parts = []
    if item.broken_since is not None:
        parts.append(f"broken since {format_instant(item.broken_since)}")
    if item.failure_class is not None:
        parts.append(f"class {item.failure_class}, owner {item.owner}")
    if item.attempts > 1:
        parts.append(f"{item.attempts} attempts")
    return "; ".join(parts)


def story(story: Story, stream: TextIO) -> None:
    """Write one transaction's story, oldest first."""
    out = console(stream)
    item = story.item
    head = Text(f"{story.transaction_id}", style="bold")
    head.append(f"  company {story.company_id}", style="dim")
    out.print(head)
    lines = [(one.at, 0, _told(one)) for one in story.told]
    lines += [(one.at, 1, _turned(one)) for one in story.turned]
    for _, _, line in sorted(lines, key=lambda one: one[:2]):
        out.print(line)
    out.print()
    now = Text(f"As of {format_instant(story.as_of)}: ")
    now.append(_state(item), style=_COLOURS[item.state])
    now.append(f". {item.verdict.value}: {item.advice}")
    out.print(now)
    out.print()


def _told(one: Told) -> Text:
    line = Text(f"{format_instant(one.at)}  {one.source:<11} {one.text}")
    line.append(f"  sha256:{one.digest[:16]}…, event {one.position}", style="dim")
    return line


def _turned(one: Turned) -> Text:
    item = one.item
    line = Text(f"{format_instant(one.at)}  judgement   ")
    line.append(_state(item), style=_COLOURS[item.state])
    line.append(f", {item.verdict.value}  ({item.decided_by})")
    return line


def _state(item: Item) -> str:
    return item.state.value + (f" {item.kind.value}" if item.kind else "")


def tie_out(told: TieOut, stream: TextIO) -> None:
    """Write what a tie-out found."""
    out = console(stream)
    for one in told.differences:
        where = f"{one.table} {one.name} of company {one.company_id}"
        if one.column is not None:
            out.print(
                Text(f"{where}: {one.column} is {one.live!r}, replay {one.replayed!r}")
            )
        else:
            missing = "view" if one.live is None else "replay"
            out.print(Text(f"{where}: the {missing} has no such row"))
    if told.poisoned:
        out.print(Text(f"{told.poisoned} stored events could not be read"))
    out.print(
        Text(
            f"{told.rows} rows compared to position {told.position},"
            f" {len(told.differences)} differences"
        )
    )


def _syncs(report: Report) -> Table:
    table = Table(title="Syncs", title_justify="left", box=None, pad_edge=False)
    for name in ("Sync", "State", "Code", "Listing", "Expected", "Reported"):
        table.add_column(name, no_wrap=name == "Sync", overflow="fold")
    for sync in report.syncs:
        listing = sync.listing
        if sync.listing == "incomplete":
            listing += f": {_number(sync.promised)} promised, {sync.seen} seen"
        code = (
            ""
            if sync.status_code is None
            else f"{sync.status_code} {sync.status or ''}"
        )
        table.add_row(
            sync.sync_id,
            sync.state.replace("_", " "),
            code,
            listing,
            str(sync.expected),
            str(sync.reported),
        )
    return table


def _number(number: int | None) -> str:
    return "unknown" if number is None else str(number)
