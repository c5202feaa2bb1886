"""`reconcile cases`: what people decide about expenses, and what was decided."""

from collections.abc import Callable
from typing import Any

import click

from reconcile.cases.expenses import MENDED, Decided
from reconcile.cases.listing import Case
from reconcile.cli.opening import opened, reading
from reconcile.cli.terminal import say, say_json
from reconcile.domain.instants import format_instant


@click.group()
def cases() -> None:
    """Decide: mended, booked, moved, waive, note."""


def _of_person(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command what every decision needs."""
    for option in (
        click.option("--reason", required=True, metavar="R", help="Why."),
        click.option("--actor", required=True, metavar="A", help="Who decides."),
        click.option("--company", required=True, metavar="ID", help="Their company."),
        click.option("--seen", metavar="DIGEST", help="What was seen of them."),
        click.option("--cause", metavar="ID", help="All breaks of this cause instead."),
    ):
        command = option(command)
    argument = click.argument("transactions", nargs=-1, metavar="TRANSACTION…")
    return click.pass_obj(argument(command))


@cases.command()
@_of_person
def mended(store: str, **given: Any) -> int:
    """Say that a cause is mended.

    All expenses of the company that failed so before may be sent again.
    """
    return _decide(store, MENDED, **given)


@cases.command()
@_of_person
def booked(store: str, **given: Any) -> int:
    """Say that expenses were booked by hand.

    They are resolved, until what is known of them changes.
    """
    return _decide(store, "booked", **given)


@cases.command()
@click.option("--to", required=True, metavar="ID", help="The company they moved to.")
@_of_person
def moved(store: str, **given: Any) -> int:
    """Say that expenses went to another company.

    They are resolved here, until what is known of them changes.
    """
    return _decide(store, "moved", **given)


@cases.command()
@_of_person
def waive(store: str, **given: Any) -> int:
    """Let expenses go.

    They are resolved, until what is known of them changes.
    """
    return _decide(store, "waive", **given)


@cases.command()
@_of_person
def reopen(store: str, **given: Any) -> int:
    """Take back what ended expenses."""
    return _decide(store, "reopen", **given)


@cases.command()
@_of_person
def note(store: str, **given: Any) -> int:
    """Add a note to expenses; it changes nothing."""
    return _decide(store, "note", **given)


@cases.command("list")
@click.option("--company", metavar="ID", help="Of this company alone.")
@click.option(
    "--format",
    "face",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
)
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


def _decide(store: str, decision: str, *, company: str, **given: Any) -> int:
    with opened(store, create=False) as books:
        say(_sentence(books.decide(decision, company_id=company, **given)))
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
