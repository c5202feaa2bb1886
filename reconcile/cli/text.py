"""How answers look on a terminal: sentences and tables for people in finance."""

from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reconcile.audit.tie_out import TieOut
from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import ItemState
from reconcile.intake.captures import UnreadCapture
from reconcile.intake.take import Intake
from reconcile.judgement.item import Item
from reconcile.projections.summaries import Finding
from reconcile.report.build import Judged, Report
from reconcile.report.story import JudgementChanged, Story, StoryEntry
from reconcile.report.wire import digest

_PIPE_COLUMNS = 200
_COLOURS = {
    ItemState.BREAK: "red",
    ItemState.OPEN: "yellow",
    ItemState.MATCHED: "green",
    ItemState.CLEARED: "green",
    ItemState.WAIVED: "cyan",
}


def console(stream: TextIO) -> Console:
    """Return a console that wraps at a terminal's width, and nowhere else."""
    pipe = not stream.isatty()
    return Console(
        file=stream,
        width=_PIPE_COLUMNS if pipe else None,
        soft_wrap=pipe,  # in a pipe every id stays on the line it began on
        highlight=False,
        emoji=False,
    )


def _indented(out: Console, text: Text) -> None:
    """Write under a head line; what wraps stays indented."""
    if out.soft_wrap:
        out.print(Text("  ").append_text(text))
    else:
        out.print(Padding(text, (0, 0, 0, 2)))


def intake_sentence(intakes: Iterable[Intake]) -> str:
    """Return in one sentence what became of what was taken in."""
    done = list(intakes)
    parts = [
        f"{sum(intake.read for intake in done)} read",
        f"{sum(intake.seen_before for intake in done)} seen before",
        f"{sum(intake.quarantined for intake in done)} quarantined",
        f"{sum(intake.not_codats for intake in done)} other traffic",
    ]
    aside = sum(intake.set_aside for intake in done)
    if aside:
        parts.append(f"{aside} set aside before")
    return ", ".join(parts) + "."


def unread_sentence(capture: UnreadCapture) -> str:
    """Return in one sentence where something stood that could not be read, and why."""
    where = f"{capture.where}: " if capture.where else ""
    return f"{where}{capture.reason} (kept as sha256:{capture.digest})"


def unreliable_sentence(report: Report) -> str:
    """Return in one sentence why a report may be wrong."""
    parts = []
    if report.unprocessed:
        parts.append(_pieces(report.unprocessed))
    if report.poisoned:
        parts.append(f"{report.poisoned} stored events could not be read")
    return (
        f"This report may be incomplete: {' and '.join(parts)};"
        " `reconcile reprocess` says which."
        if report.unprocessed
        else f"This report may be incomplete: {' and '.join(parts)}."
    )


def unread_evidence_sentence(number: int) -> str:
    """Return in one sentence why a story may be wrong."""
    return f"This story may be incomplete: {_pieces(number)}."


def _pieces(number: int) -> str:
    pieces = "piece" if number == 1 else "pieces"
    return f"{number} {pieces} of evidence could not be read"


def write_report(report: Report, stream: TextIO) -> None:
    """Write the report as text."""
    out = console(stream)
    totals = report.totals
    known = (
        f", by what was known at {format_instant(report.known_at)}"
        if report.known_at
        else ""
    )
    out.print(Text(f"As of {format_instant(report.as_of)}{known}"))
    if report.unprocessed or report.poisoned:
        out.print(Text(unreliable_sentence(report), style="bold"))
    expenses = "expense" if totals.items == 1 else "expenses"
    out.print(
        Text(
            f"{totals.items} {expenses}: {totals.matched} matched,"
            f" {totals.cleared} cleared, {totals.open} open,"
            f" {totals.broken} break, {totals.waived} waived"
        )
    )
    shown = [
        row
        for row in report.items
        if row.item.state in (ItemState.BREAK, ItemState.OPEN)
    ]
    if shown:
        out.print()
        for row in shown:
            _item(out, row)
    if report.syncs:
        out.print()
        out.print(_syncs(report))
    if report.findings:
        out.print()
        out.print(Text("Findings", style="bold"))
        for finding in report.findings:
            about = ", ".join(_about(finding))
            text = Text(f"{finding.kind.value}, {about}: {finding.reason}")
            _indented(out, text)
    out.print()
    out.print(Text(f"Rules {report.ruleset}, position {report.position}"))
    out.print(Text(digest(report)))


def _about(finding: Finding) -> Iterator[str]:
    if finding.transaction_id is not None:
        yield f"transaction {finding.transaction_id}"
    if finding.sync_id is not None:
        yield f"sync {finding.sync_id}"
    if finding.company_id is not None:
        yield f"company {finding.company_id}"


def _item(out: Console, judged: Judged) -> None:
    item = judged.item
    head = Text(f"{item.state.value} ", style=_COLOURS[item.state])
    head.append(f"{item.kind.value} " if item.kind else "")
    head.append(judged.transaction_id, style="bold")
    head.append(f"  company {judged.company_id}", style="dim")
    out.print(head)
    _indented(out, Text(item.reason))
    for leg in item.legs:
        name = leg.integration_type or "webhook"
        line = f"{name}: {leg.status}, {format_instant(leg.reported_at)}"
        _indented(out, Text(line))
    _indented(out, Text(f"{item.verdict.value}: {item.advice}"))
    tail = _tail(item)
    if tail:
        _indented(out, Text(tail, style="dim"))


def _tail(item: Item) -> str:
    parts = []
    if item.broken_since is not None:
        parts.append(f"broken since {format_instant(item.broken_since)}")
    if item.cause is not None:
        parts.append(f"class {item.cause}, owner {item.owner}")
    if item.attempts > 1:
        parts.append(f"{item.attempts} attempts")
    return "; ".join(parts)


def write_story(story: Story, stream: TextIO) -> None:
    """Write one transaction's story, oldest first."""
    out = console(stream)
    item = story.item
    head = Text(f"{story.transaction_id}", style="bold")
    head.append(f"  company {story.company_id}", style="dim")
    out.print(head)
    lines = [
        (entry.at, 0, [_entry_line(entry), _proof(entry)]) for entry in story.entries
    ]
    lines += [
        (change.at, 1, [_judgement_line(change), _because(change)])
        for change in story.judgements
    ]
    for _, _, (line, more) in sorted(lines, key=lambda entry: entry[:2]):
        out.print(line)
        _indented(out, more)
    out.print()
    now = Text(f"As of {format_instant(story.as_of)}: ")
    now.append(_state(item), style=_COLOURS[item.state])
    now.append(f". {item.verdict.value}: {item.advice}")
    out.print(now)
    if item.update_unsettled:
        out.print(Text("It is not known whether its update is in the books too."))
    out.print(Text("Sections and lines are those of docs/explanation/judgement.md."))
    out.print()


def _entry_line(entry: StoryEntry) -> Text:
    return Text(f"{format_instant(entry.at)}  {entry.source:<11} {entry.text}")


def _proof(entry: StoryEntry) -> Text:
    return Text(f"sha256:{entry.digest}, event {entry.position}", style="dim")


def _because(change: JudgementChanged) -> Text:
    return Text(f"{change.item.reason} ({change.item.decided_by})", style="dim")


def _judgement_line(change: JudgementChanged) -> Text:
    item = change.item
    line = Text(f"{format_instant(change.at)}  judgement   ")
    line.append(_state(item), style=_COLOURS[item.state])
    line.append(f", {item.verdict.value}")
    return line


def _state(item: Item) -> str:
    return item.state.value + (f" {item.kind.value}" if item.kind else "")


def write_tie_out(result: TieOut, stream: TextIO) -> None:
    """Write what a tie-out found."""
    out = console(stream)
    for difference in result.differences:
        where = (
            f"{difference.table} {difference.name} of company {difference.company_id}"
        )
        if difference.column is not None:
            out.print(
                Text(
                    f"{where}: {difference.column} is {difference.live!r} in the live"
                    f" view, {difference.replayed!r} by the history"
                )
            )
        else:
            holder, other = "history", "live view"
            if difference.replayed is None:
                holder, other = other, holder
            out.print(Text(f"{where}: in the {holder}, and not in the {other}"))
    if result.poisoned:
        out.print(Text(f"{result.poisoned} stored events could not be read"))
    if not result.differences:
        out.print(Text("The live views agree with the history."))
    out.print(
        Text(
            f"{result.rows} rows compared to position {result.position},"
            f" {len(result.differences)} differences"
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
