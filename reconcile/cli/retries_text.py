"""Plans of what is sent again, and what came of them, as a page for people."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TextIO

from rich.text import Text

from reconcile.cli.terminal import Terminal
from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import Owner
from reconcile.retries.outcome import LineOutcome, PlanOutcome, RetryOutcome
from reconcile.retries.plan import LeftOut, LeftOutReason, Operation, Plan, PlanLine
from reconcile.retries.run import RetryRun

LINES_MAX: Final = 40
"""How many lines of a plan are shown; its file holds them all."""
_IDS_MAX: Final = 3
_DOES: Final = {
    Operation.CREATE: "send",
    Operation.PUSH: "push and sync",
    Operation.START_SYNC: "start the sync of",
    Operation.UPDATE: "update",
    Operation.PUT: "put",
}
_WHY_NOT: Final = {
    LeftOutReason.IN_BOOKS: "in the books",
    LeftOutReason.WAITS: "to be waited for",
    LeftOutReason.IN_DOUBT: "in doubt: look in the books, or recover the request",
    LeftOutReason.NOT_RELEASED: "to be mended first",
    LeftOutReason.BUDGET: "sent as often as the policy allows",
    LeftOutReason.NO_PAYLOAD: "not stored as it was sent: correct it",
    LeftOutReason.HELD_FOR_PROBE: "held for one of its kind that is under way",
    LeftOutReason.RESOLVED: "ended by a person",
    LeftOutReason.MOVED: "moved to another company",
    LeftOutReason.ELSEWHERE: "in the books of another company",
    LeftOutReason.UNREADABLE: "not to be read: look at what Codat said",
}
_OWNERS: Final = {
    Owner.CUSTOMER: "the customer's move",
    Owner.US: "our move",
    Owner.CODAT: "Codat's move",
    Owner.ACCOUNTING_SOFTWARE: "the accounting software's move",
    Owner.NOBODY: "nobody's move",
}
_CAME_TO: Final = {
    RetryOutcome.CLEARED: "cleared",
    RetryOutcome.CLEARED_OTHERWISE: "cleared by another call",
    RetryOutcome.FAILED_AGAIN: "failed again for the same cause",
    RetryOutcome.FAILED_OTHERWISE: "failed for another cause",
    RetryOutcome.IN_DOUBT: "in doubt",
    RetryOutcome.UNDECIDED: "not decided yet",
    RetryOutcome.RESOLVED: "ended by a person",
    RetryOutcome.DROPPED: "dropped",
    RetryOutcome.NOT_SENT: "not sent yet",
}


_CLEARED: Final = (RetryOutcome.CLEARED, RetryOutcome.CLEARED_OTHERWISE)


def expenses_in_words(number: int) -> str:
    """Return a number of expenses."""
    return "1 expense" if number == 1 else f"{number:,} expenses"


def write_plan(plan: Plan, stream: TextIO, *, path: str | None) -> None:
    """Write a plan as text; `path` is the file that holds it."""
    out = Terminal(stream)
    number = sum(len(line.transactions) for line in plan.lines)
    lines = "1 line" if len(plan.lines) == 1 else f"{len(plan.lines):,} lines"
    out.line(f"As of {format_instant(plan.as_of)}")
    out.line(
        f"{expenses_in_words(number)} to be sent again in {lines},"
        f" {len(plan.left_out):,} left out"
    )
    for line in plan.lines[:LINES_MAX]:
        out.line()
        _line(out, line)
    if len(plan.lines) > LINES_MAX:
        out.line()
        out.line(f"And {len(plan.lines) - LINES_MAX:,} lines more.")
    if plan.left_out:
        out.line()
        out.line("Left out")
        _left_out(out, plan.left_out)
    out.line()
    out.line(f"Rules {plan.ruleset}, policy {plan.policy.label}")
    out.line(plan.digest)
    if not plan.lines:
        out.line("There is nothing to send.")
    elif path is None:
        out.line("Nothing was sent. --output FILE writes the plan, to be run.")
    else:
        out.line(f"Nothing was sent. To send it: reconcile retries run {path}")


def _line(out: Terminal, line: PlanLine) -> None:
    head = Text(f"Line {line.n}: ", style="bold")
    head.append(f"{_DOES[line.operation]} {expenses_in_words(len(line.transactions))}")
    if line.payload_from == "correction":
        head.append(", corrected")
    if line.after is not None:
        head.append(f", held for line {line.after}")
    elif line.probe_for is not None:
        head.append(", as a probe")
    if line.not_before is not None:
        head.append(f", not before {format_instant(line.not_before)}")
    out.line(head)
    cause = f"{line.cause} {line.fingerprint}" if line.cause else "no failure known"
    out.line(f"Company {line.company_id}; {cause}", under=2)
    some = ", ".join(line.transactions[:_IDS_MAX])
    more = len(line.transactions) - _IDS_MAX
    out.line(some + (f" and {more:,} more" if more > 0 else ""), under=2)
    out.line(line.why, under=2)


def _left_out(out: Terminal, rows: tuple[LeftOut, ...]) -> None:
    numbers: Counter[tuple[LeftOutReason, Owner | None]] = Counter()
    until: dict[tuple[LeftOutReason, Owner | None], datetime] = {}
    for row in rows:
        owner = row.owner if row.reason is LeftOutReason.NOT_RELEASED else None
        key = row.reason, owner
        numbers[key] += 1
        if row.until is not None:
            until[key] = min(row.until, until.get(key, row.until))
    for key, number in sorted(numbers.items(), key=lambda kv: (-kv[1], kv[0][0])):
        reason, owner = key
        whose = f", {_OWNERS[owner]}" if owner is not None else ""
        when = f", the first until {format_instant(until[key])}" if key in until else ""
        out.line(f"{number:>7,}  {_WHY_NOT[reason]}{whose}{when}")


def write_run(result: RetryRun, outcome: PlanOutcome, stream: TextIO) -> None:
    """Write what a run did, and what came of the plan so far."""
    out = Terminal(stream)
    calls = (
        "1 call was made" if result.sent == 1 else f"{result.sent:,} calls were made"
    )
    out.line(f"{calls}, {expenses_in_words(result.dropped)} dropped.")
    waits: dict[tuple[str, datetime | None], list[int]] = {}
    for line in result.waiting:
        waits.setdefault((line.reason, line.until), []).append(line.n)
    for (reason, until), numbers in waits.items():
        some = ", ".join(map(str, numbers[:_IDS_MAX]))
        more = f" and {len(numbers) - _IDS_MAX:,} more" * (len(numbers) > _IDS_MAX)
        when = f", until {format_instant(until)}" if until else ""
        word = "Line" if len(numbers) == 1 else "Lines"
        verb = "waits" if len(numbers) == 1 else "wait"
        out.line(f"{word} {some}{more} {verb}: {reason}{when}.")
    write_outcome(outcome, stream, lines=False)
    if result.waiting:
        out.line("Run the plan again for what waits.")


def write_outcome(outcome: PlanOutcome, stream: TextIO, *, lines: bool) -> None:
    """Write what became of a plan, line by line where that is asked for."""
    out = Terminal(stream)
    ended = (
        f"ended {format_instant(outcome.ended_at)}" if outcome.ended_at else "not ended"
    )
    head = f"run since {format_instant(outcome.began_at)} by {outcome.actor}, {ended}"
    out.line(f"{outcome.digest}: {head}")
    out.line(_counts(outcome.counts), under=2)
    for line in outcome.lines if lines else ():
        _line_outcome(out, line)


def _counts(counts: Mapping[RetryOutcome, int]) -> str:
    known = [each for each in RetryOutcome if counts.get(each)]
    parts = [f"{counts[each]:,} {_CAME_TO[each]}" for each in known]
    return ", ".join(parts) or "nothing in it"


def _line_outcome(out: Terminal, line: LineOutcome) -> None:
    held_for = f", held for line {line.after}" if line.after is not None else ""
    counts = Counter(each.outcome for each in line.expenses)
    probe = ", a probe" if line.is_probe else ""
    head = Text(f"Line {line.n}", style="bold")
    out.line(head.append(f"{probe}{held_for}: {_counts(counts)}"))
    shown: set[tuple[RetryOutcome, str | None]] = set()
    for each in line.expenses:
        key = each.outcome, each.reason
        if each.outcome not in _CLEARED and each.reason and key not in shown:
            shown.add(key)
            out.line(f"{each.transaction_id}: {each.reason}", under=2)


def outcome_data(outcome: PlanOutcome) -> dict[str, Any]:
    """Return what became of a plan as plain data."""
    ended = outcome.ended_at
    return {
        "digest": outcome.digest,
        "as_of": format_instant(outcome.as_of),
        "actor": outcome.actor,
        "began_at": format_instant(outcome.began_at),
        "ended_at": None if ended is None else format_instant(ended),
        "outcomes": {each.value: outcome.counts.get(each, 0) for each in RetryOutcome},
        "lines": [
            {
                "n": line.n,
                "company_id": line.company_id,
                "operation": line.operation,
                "fingerprint": line.fingerprint,
                "after": line.after,
                "is_probe": line.is_probe,
                "requests": [*line.requests],
                "transactions": [
                    {
                        "transaction_id": each.transaction_id,
                        "outcome": each.outcome.value,
                        "reason": each.reason,
                    }
                    for each in line.expenses
                ],
            }
            for line in outcome.lines
        ],
    }
