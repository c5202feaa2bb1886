"""`reconcile cases`: what people decide about expenses, and what was decided."""

from typing import Any, Final

import click

from reconcile.cases.expenses import MENDED, Decided
from reconcile.cases.listing import Case
from reconcile.cli.arguments import format_option
from reconcile.cli.opening import opened, reading
from reconcile.cli.terminal import say, say_json
from reconcile.domain.instants import format_instant


@click.group()
def cases() -> None:
    """Decide: mended, booked, moved, waive, note."""


_RESOLVED: Final = "They are resolved, until what is known of them changes."
_HELP: Final = {
    MENDED: "Say that a cause is mended.\n\n"
    "All expenses of the company that failed so before may be sent again.",
    "booked": f"Say that expenses were booked by hand.\n\n{_RESOLVED}",
    "moved": "Say that expenses went to another company.\n\n"
    "They are resolved here, until what is known of them changes.",
    "waive": f"Let expenses go.\n\n{_RESOLVED}",
    "reopen": "Take back what ended expenses.",
    "note": "Add a note to expenses; it changes nothing.",
}
_OPTIONS: Final = (
    click.option("--reason", required=True, metavar="R", help="Why."),
    click.option("--actor", required=True, metavar="A", help="Who decides."),
    click.option("--company", required=True, metavar="ID", help="Their company."),
    click.option("--seen", metavar="DIGEST", help="What was seen of them."),
    click.option("--cause", metavar="ID", help="All breaks of this cause instead."),
    click.argument("transactions", nargs=-1, metavar="TRANSACTION…"),
)
_TO: Final = click.option(
    "--to", required=True, metavar="ID", help="The company they moved to."
)


def _add(decision: str, text: str) -> None:
    """Add the command that takes one kind of decision."""

    def command(store: str, /, *, company: str, **given: Any) -> int:
        with opened(store, create=False) as books:
            decided = books.decide(decision, company_id=company, **given)
            say(_sentence(decided))
        return 0

    options = (*_OPTIONS, _TO) if decision == "moved" else _OPTIONS
    added = click.pass_obj(command)
    for option in options:
        added = option(added)
    cases.command(decision, help=text)(added)


for _decision, _text in _HELP.items():
    _add(_decision, _text)


@cases.command("list")
@click.option("--company", metavar="ID", help="Of this company alone.")
@format_option("text", "json")
@click.pass_obj
def listed(store: str, company: str | None, face: str) -> int:
    """List what people decided, oldest first."""
    with reading(store) as books:
        found = list(books.cases(company))
    if face == "json":
        data = {"schema": "reconcile.cases/1", "cases": [*map(_data, found)]}
        say_json(data)
    elif not found:
        say("Nothing was decided.")
    else:
        for case in found:
            say(_line(case))
    return 0


def _sentence(decided: Decided) -> str:
    number = len(decided.transactions)
    expenses = "1 expense" if number == 1 else f"{number} expenses"
    if decided.decision == MENDED:
        names = ", ".join(decided.fingerprints)
        return f"Mended in company {decided.company_id}: {names}, of {expenses}."
    return f"Recorded ({decided.decision}) for {expenses}."


def _line(case: Case) -> str:
    to = f" to {case.to}" if case.to else ""
    where = f", company {case.company_id}" if case.company_id else ""
    return (
        f"{format_instant(case.at)}  {case.decision}{to}: {case.about}{where};"
        f" {case.actor}: {case.reason}"
    )


def _data(case: Case) -> dict[str, Any]:
    return {
        "at": format_instant(case.at),
        "position": case.position,
        "company_id": case.company_id,
        "decision": case.decision,
        "about": case.about,
        "to": case.to,
        "actor": case.actor,
        "reason": case.reason,
    }
