"""The commands that check the books without trusting them."""

import sys

import click

from reconcile.cli import text
from reconcile.cli.opening import reading
from reconcile.cli.progress import counting
from reconcile.cli.status import BROKEN, UNRELIABLE
from reconcile.cli.workers import Spreading, spreading_options
from reconcile.errors import UsageError


@click.group()
def audit() -> None:
    """Check the store against its own history."""


@audit.command("tie-out")
@click.option(
    "--evidence", is_flag=True, help="Hold events and bytes against each other too."
)
@spreading_options
@click.pass_obj
def tie_out(store: str, *, evidence: bool, spreading: Spreading) -> int:
    """Compare the live views with a replay.

    Row by row; with --evidence, every event with what its bytes say when they are read
    again, and every body with its digest. Exits with 1 if they differ, with 2 if a
    stored event cannot be read.
    """
    if evidence and spreading.folder is not None:
        raise UsageError("--evidence was given with --from, expected one of them")
    with (
        spreading.export() as export,
        reading(store) as books,
        spreading.working() as executor,
        counting("Replaying"),
    ):
        books.store.check()
        result = books.tie_out(evidence=evidence, executor=executor, export=export)
    text.write_tie_out(result, sys.stdout)
    if result.poisoned:
        return UNRELIABLE
    checked = result.evidence
    differ = result.differences or (checked is not None and checked.differences)
    return BROKEN if differ else 0
