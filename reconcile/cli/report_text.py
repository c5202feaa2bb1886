"""The report as a page for people: how much is where, what to do first, and why."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final, TextIO

from rich.table import Table
from rich.text import Text

from reconcile.cli.terminal import Terminal, cells
from reconcile.cli.text import STATE_COLOURS, unreliable_sentence
from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import ItemState, Owner, Verdict
from reconcile.judgement.facts import Content
from reconcile.judgement.item import Item
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.report.build import Report
from reconcile.report.groups import Group, Judged
from reconcile.report.html import figures
from reconcile.report.money import StateKey, Sum, currencies, money_order
from reconcile.report.wire import digest, overdue_at

_SHOWN_MAX: Final = 3
"""How many findings of a kind are shown, and how many syncs that are not in order."""

_STATE_NAMES: Final = {state: state.value for state in ItemState} | {
    ItemState.BREAK: "broken"
}
_MOVES: Final = {
    Owner.CUSTOMER: "the customer's move",
    Owner.US: "our move",
    Owner.CODAT: "Codat's move",
    Owner.ACCOUNTING_SOFTWARE: "the accounting software's move",
    Owner.NOBODY: "nobody's move: it passes",
}


def write_report(report: Report, stream: TextIO, *, items: bool = False) -> None:
    """Write the report as text; `items` lists every expense, sync and finding."""
    out = Terminal(stream)
    _head(out, report)
    _money(out, report.totals.money)
    for group in report.groups:
        out.line()
        _group(out, group, report.as_of)
    _open(out, report.items)
    if items and report.items:
        out.line()
        for row in report.items:
            _item(out, row)
    _syncs(out, report.syncs, whole=items)
    _findings(out, report.findings, whole=items)
    out.line()
    if (report.groups or report.totals.open) and not items:
        out.line("--items lists every expense; --cause ID those of one cause.")
    out.line(f"Rules {report.ruleset}, position {report.position}")
    out.line(digest(report))


def write_causes(report: Report, stream: TextIO) -> None:
    """Write why expenses are broken, largest first."""
    out = Terminal(stream)
    _head(out, report)
    for group in report.groups:
        out.line()
        _group(out, group, report.as_of)


def _head(out: Terminal, report: Report) -> None:
    totals = report.totals
    known = (
        f", by what was known at {format_instant(report.known_at)}"
        if report.known_at
        else ""
    )
    out.line(f"As of {format_instant(report.as_of)}{known}{_only(report)}")
    if report.unprocessed or report.poisoned:
        out.line(Text(unreliable_sentence(report), style="bold"))
    line = Text(f"{_expenses(totals.items)}: ")
    for place, (state, number) in enumerate(
        (
            (ItemState.MATCHED, totals.matched),
            (ItemState.CLEARED, totals.cleared),
            (ItemState.OPEN, totals.open),
            (ItemState.BREAK, totals.broken),
            (ItemState.RESOLVED, totals.resolved),
        )
    ):
        line.append(", " if place else "")
        line.append(
            f"{number} {_STATE_NAMES[state]}",
            style=STATE_COLOURS[state] if number else "",
        )
    out.line(line)
    if report.selection.month is not None and totals.undated:
        out.line(f"{_expenses(totals.undated)} without an issue date left out")


def _only(report: Report) -> str:
    selection = report.selection
    parts = []
    if selection.month is not None:
        parts.append(f"issued in {selection.month}")
    if selection.state is not None:
        parts.append(f"{_STATE_NAMES[selection.state]} alone")
    if selection.cause is not None:
        parts.append(f"of cause {selection.cause}")
    return "".join(f", {part}" for part in parts)


def _expenses(number: int) -> str:
    return f"{number} expense" if number == 1 else f"{number:,} expenses"


def _money(out: Terminal, money: Mapping[StateKey, Sum]) -> None:
    """Write a table of amounts: a line for each currency and type."""
    rows: dict[tuple[str | None, str | None], dict[str, Sum]] = {}
    unpriced = sum(found.unpriced for found in money.values())
    for key, found in money.items():
        if found.items > found.unpriced:
            rows.setdefault((key.currency, key.type), {})[key.state] = found
    if rows:
        states = [s for s in _IN_ORDER if any(s in row for row in rows.values())]
        table = Table(box=None, pad_edge=False)
        table.add_column("")
        for state in states:
            table.add_column(_STATE_NAMES[state], justify="right")
        for currency, kind in sorted(rows, key=money_order):
            row = rows[currency, kind]
            amounts = [
                figures.money(row[s].amount, currency) if s in row else ""
                for s in states
            ]
            name = f"{kind or 'no type'} {currency or ''}".rstrip()
            table.add_row(*cells(name, *amounts))
        out.line()
        out.table(table)
    if unpriced:
        out.line(f"{_expenses(unpriced)} without a known amount")


_IN_ORDER: Final = (
    ItemState.MATCHED,
    ItemState.CLEARED,
    ItemState.OPEN,
    ItemState.BREAK,
    ItemState.RESOLVED,
)


def _sums(money: Mapping[str | None, Sum]) -> str:
    parts = []
    unpriced = 0
    for currency, found in currencies(money):
        unpriced += found.unpriced
        if found.items > found.unpriced:
            amount = figures.money(found.amount, currency)
            parts.append(f"{currency or 'transfers'} {amount}")
    if unpriced:
        parts.append(f"{unpriced} without an amount")
    return " + ".join(parts)


def _group(out: Terminal, group: Group, as_of: datetime) -> None:
    """Write one cause: how much it is, whose move, what to do, three examples."""
    head = Text(f"{group.items:>4}  ", style=STATE_COLOURS[ItemState.BREAK])
    head.append(group.title, style="bold")
    head.append(f"  {_sums(group.money)}")
    out.line(head)
    facts = [_MOVES[group.owner]] if group.owner else []
    facts.append(f"{group.verdict.value}")
    if group.mended:
        facts = [_MOVES[Owner.US], Verdict.RESEND.value, "mended"]
    elif group.released:
        facts.append(f"{group.released} mended")
    if group.first_at is not None:
        facts.append(f"oldest {_age(as_of - group.first_at)}")
    if group.companies > 1:
        facts.append(f"{group.companies} companies")
    name = group.fingerprint or (group.kind.value if group.kind else "")
    facts.append(f"cause {name}" if group.fingerprint else name)
    _under(out, Text(" · ".join(facts), style="dim"))
    _under(out, Text(_MENDED if group.mended else group.advice))
    _under(out, Text(_examples(group)))


_MENDED: Final = "What they failed for is mended: send them again."


def _under(out: Terminal, text: Text) -> None:
    out.line(text, under=6)


def _examples(group: Group) -> str:
    """Return what three expenses are, those of the largest amounts."""
    alone = group.items == 1
    shown = [_example(row, named=alone) for row in group.examples]
    more = group.items - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _example(row: Judged, *, named: bool) -> str:
    words = content_text(row.content)
    if not words:
        return row.transaction_id
    return f"{words} ({row.transaction_id})" if named else words


def content_text(content: Content | None) -> str:
    """Return merchant, amount and date of an expense, as far as they are known."""
    if content is None:
        return ""
    amount = None
    if content.amount is not None:
        number = figures.money(Decimal(content.amount), content.currency)
        amount = f"{content.currency or ''} {number}".strip()
    parts = [content.merchant or content.type, amount, content.issue_date]
    return " ".join([part for part in parts if part])


def _age(age: timedelta) -> str:
    if age < timedelta(days=1):
        return "today"
    return "1 day" if age.days == 1 else f"{age.days:,} days"


def _open(out: Terminal, rows: Iterable[Judged]) -> None:
    """Write what is open: a line for each sync it waits for."""
    waiting: dict[tuple[str, str, str], list[Judged]] = {}
    for row in rows:
        item = row.item
        if item.state is ItemState.OPEN:
            key = row.company_id, item.sync_id or "", item.reason
            waiting.setdefault(key, []).append(row)
    if waiting:
        out.line()
    for (company_id, sync_id, reason), some in sorted(waiting.items()):
        due = min((at for row in some if (at := overdue_at(row.item))), default=None)
        line = Text(f"{len(some):>4}  ", style=STATE_COLOURS[ItemState.OPEN])
        line.append(reason)
        where = f"sync {sync_id}, " if sync_id else ""
        until = f"; due {format_instant(due)}" if due is not None else ""
        line.append(f"  {where}company {company_id}{until}", style="dim")
        out.line(line)


def _item(out: Terminal, judged: Judged) -> None:
    item = judged.item
    head = Text(f"{item.state.value} ", style=STATE_COLOURS[item.state])
    head.append(f"{item.kind.value} " if item.kind else "")
    head.append(judged.transaction_id, style="bold")
    words = content_text(judged.content)
    head.append(f"  {words}" if words else "")
    head.append(f"  company {judged.company_id}", style="dim")
    out.line(head)
    if item.state in (ItemState.MATCHED, ItemState.CLEARED):
        return
    out.line(item.reason, under=2)
    if item.state is ItemState.RESOLVED:
        return
    for leg in item.legs:
        name = leg.integration_type or "webhook"
        out.line(f"{name}: {leg.status}, {format_instant(leg.reported_at)}", under=2)
    out.line(f"{item.verdict.value}: {item.advice}", under=2)
    tail = _tail(item)
    if tail:
        out.line(Text(tail, style="dim"), under=2)


def _tail(item: Item) -> str:
    parts = []
    if item.broken_since is not None:
        parts.append(f"broken since {format_instant(item.broken_since)}")
    if item.owner is not None:
        parts.append(_MOVES[item.owner])
    if item.fingerprint is not None:
        parts.append(f"cause {item.cause} {item.fingerprint}")
    if item.attempts > 1:
        parts.append(f"{item.attempts} attempts")
    return "; ".join(parts)


def _syncs(out: Terminal, syncs: Sequence[SyncSummary], *, whole: bool) -> None:
    """Write how many syncs ended, and those not read whole; `whole`: all of them."""
    if not syncs:
        return
    out.line()
    if whole:
        out.table(_table_of_syncs(syncs))
        return
    states = Counter(sync.state.replace("_", " ") for sync in syncs)
    counted = ", ".join(f"{number} {state}" for state, number in states.most_common())
    number = "1 sync" if len(syncs) == 1 else f"{len(syncs)} syncs"
    out.line(f"{number}: {counted}")
    unread = [sync for sync in syncs if sync.listing != "complete"]
    for sync in unread[:_SHOWN_MAX]:
        state = sync.state.replace("_", " ")
        line = f"{sync.sync_id}: {state}, its pages are {_listing(sync)}"
        out.line(line, under=2)
    _more(out, len(unread) - _SHOWN_MAX)


def _listing(sync: SyncSummary) -> str:
    if sync.listing != "incomplete":
        return sync.listing
    promised = "unknown" if sync.promised is None else str(sync.promised)
    return f"incomplete: {promised} promised, {sync.seen} seen"


def _table_of_syncs(syncs: Sequence[SyncSummary]) -> Table:
    table = Table(title="Syncs", title_justify="left", box=None, pad_edge=False)
    for name in ("Sync", "State", "Code", "Listing", "Expected", "Reported"):
        table.add_column(name, no_wrap=name == "Sync", overflow="fold")
    for sync in syncs:
        code = sync.status_code
        table.add_row(
            *cells(
                sync.sync_id,
                sync.state.replace("_", " "),
                "" if code is None else f"{code} {sync.status or ''}",
                _listing(sync),
                str(sync.expected),
                str(sync.reported),
            )
        )
    return table


def _findings(out: Terminal, findings: Sequence[Finding], *, whole: bool) -> None:
    if not findings:
        return
    out.line()
    out.line(Text("Findings", style="bold"))
    by_kind = sorted(findings, key=lambda finding: finding.kind.value)
    for kind, alike in groupby(by_kind, key=lambda finding: finding.kind):
        some = [*alike]
        shown = some if whole else some[:_SHOWN_MAX]
        for finding in shown:
            about = ", ".join(_about(finding))
            out.line(f"{kind.value}, {about}: {finding.reason}", under=2)
        _more(out, len(some) - len(shown))


def _more(out: Terminal, number: int) -> None:
    if number > 0:
        out.line(Text(f"and {number} more: --items lists them", style="dim"), under=2)


def _about(finding: Finding) -> Iterator[str]:
    if finding.transaction_id is not None:
        yield f"transaction {finding.transaction_id}"
    if finding.sync_id is not None:
        yield f"sync {finding.sync_id}"
    if finding.company_id is not None:
        yield f"company {finding.company_id}"
