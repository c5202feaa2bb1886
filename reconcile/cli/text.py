"""How answers look on a terminal: sentences and tables for people in finance."""

from collections.abc import Iterable
from typing import TextIO

from rich.text import Text

from reconcile.audit.evidence import EvidenceCheck
from reconcile.audit.tie_out import TieOut
from reconcile.cli.terminal import Terminal
from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import ItemState
from reconcile.intake.captures import UnreadCapture
from reconcile.intake.scrub import Scrubbing
from reconcile.intake.take import Intake
from reconcile.judgement.item import Item
from reconcile.report.build import Report
from reconcile.report.story import JudgementChanged, Story, StoryEntry

STATE_COLOURS = {
    ItemState.BREAK: "red",
    ItemState.OPEN: "yellow",
    ItemState.MATCHED: "green",
    ItemState.CLEARED: "green",
    ItemState.RESOLVED: "cyan",
}


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


def scrubbing_sentence(scrubbing: Scrubbing) -> str:
    """Return what was taken out of a store, and what else has to be done."""
    sentence = (
        f"{scrubbing.rewritten} pieces of evidence rewritten, {scrubbing.released} of"
        f" them released as other traffic; {scrubbing.untrusted} bodies of refused"
        " deliveries taken out."
    )
    if scrubbing.vacuum:
        sentence += (
            " The server keeps the old bytes until its tables' owner runs"
            f" {scrubbing.vacuum}; its WAL and its backups keep them for longer."
        )
    return sentence


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


def write_story(story: Story, stream: TextIO) -> None:
    """Write one transaction's story, oldest first."""
    out = Terminal(stream)
    item = story.item
    head = Text(f"{story.transaction_id}", style="bold")
    head.append(f"  company {story.company_id}", style="dim")
    out.line(head)
    lines = [
        (entry.at, 0, [_entry_line(entry), _proof(entry)]) for entry in story.entries
    ]
    lines += [
        (change.at, 1, [_judgement_line(change), _because(change)])
        for change in story.judgements
    ]
    for _, _, (line, more) in sorted(lines, key=lambda entry: entry[:2]):
        out.line(line)
        out.line(more, under=2)
    out.line()
    now = Text(f"As of {format_instant(story.as_of)}: ")
    now.append(_state(item), style=STATE_COLOURS[item.state])
    now.append(f". {item.verdict.value}: {item.advice}")
    out.line(now)
    for condition, at, then in story.changes:
        when = "" if at is None else f" at {format_instant(at)}"
        what = f"{_would_be(then)}, {then.verdict.value}{when}: with {condition}."
        out.line(Text(what, style="dim"), under=2)
    if item.update_unsettled:
        out.line("It is not known whether its update is in the books too.")
    out.line("Sections and lines are those of docs/explanation/judgement.md.")
    out.line()


def _entry_line(entry: StoryEntry) -> Text:
    return Text(f"{format_instant(entry.at)}  {entry.source:<11} {entry.text}")


def _proof(entry: StoryEntry) -> Text:
    bytes_of = f"sha256:{entry.digest}, " if entry.digest else ""
    return Text(f"{bytes_of}event {entry.position}", style="dim")


def _because(change: JudgementChanged) -> Text:
    return Text(f"{change.item.reason} ({change.item.decided_by})", style="dim")


def _judgement_line(change: JudgementChanged) -> Text:
    item = change.item
    line = Text(f"{format_instant(change.at)}  judgement   ")
    line.append(_state(item), style=STATE_COLOURS[item.state])
    line.append(f", {item.verdict.value}")
    return line


def _would_be(item: Item) -> str:
    if item.state in (ItemState.MATCHED, ItemState.CLEARED):
        return "In the books"
    return _state(item).capitalize() if item.kind is None else _state(item)


def _state(item: Item) -> str:
    return item.state.value + (f" {item.kind.value}" if item.kind else "")


def write_tie_out(result: TieOut, stream: TextIO) -> None:
    """Write what a tie-out found."""
    out = Terminal(stream)
    for difference in result.differences:
        where = (
            f"{difference.table} {difference.name} of company {difference.company_id}"
        )
        if difference.column is not None:
            out.line(
                Text(
                    f"{where}: {difference.column} is {difference.live!r} in the live"
                    f" view, {difference.replayed!r} by the history"
                )
            )
        else:
            holder, other = "history", "live view"
            if difference.replayed is None:
                holder, other = other, holder
            out.line(f"{where}: in the {holder}, and not in the {other}")
    if result.poisoned:
        out.line(f"{result.poisoned} stored events could not be read")
    if not result.differences:
        out.line("The live views agree with the history.")
    out.line(
        Text(
            f"{result.rows} rows compared to position {result.position},"
            f" {len(result.differences)} differences"
        )
    )
    if result.evidence is not None:
        _write_evidence(result.evidence, out)


def _write_evidence(check: EvidenceCheck, out: Terminal) -> None:
    for sentence in check.first:
        out.line(sentence)
    more = check.differences - len(check.first)
    if more:
        out.line(f"and {more} more")
    if not check.differences:
        out.line("Every event is what its bytes say, and every body has its digest.")
    out.line(
        f"{check.events} events and {check.evidence} pieces of evidence compared,"
        f" {check.differences} differences; {check.decided} events rest on no evidence"
    )
