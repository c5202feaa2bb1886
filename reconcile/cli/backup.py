"""The commands that copy a store, whole, while others use it."""

import click

from reconcile.cli.account import shown
from reconcile.cli.output import Output
from reconcile.cli.progress import counting
from reconcile.cli.terminal import counted, say
from reconcile.storage.backup import back_up
from reconcile.storage.moving import copy_store


@click.command()
@click.argument("file", metavar="FILE")
@click.pass_obj
def backup(store: str, file: str) -> int:
    """Copy the store to a file.

    FILE is one file with all that the store holds at one moment, whoever writes it
    meanwhile; it is looked through before it takes the place of what was there.
    """
    with Output.checked(file, store=store, name="FILE").file() as beside:
        position = back_up(store, beside)
    say(f"{shown(file)} is a whole copy of the store, to position {position}.")
    return 0


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy(source: str, target: str) -> int:
    """Copy a store to another, of any engine.

    FROM and TO are URLs as --store takes them. Positions, evidence and reports are the
    same in both. A copy that was interrupted goes on where it ended, and an earlier
    copy is brought up to date; nobody else may write to TO meanwhile.
    """
    with counting("Copying events") as progress:
        copied = copy_store(source, target, progress=progress)
    say(
        f"Copied {counted(copied.events, 'event', 'events')} and"
        f" {counted(copied.evidence, 'piece', 'pieces')} of evidence. Both stores agree"
        f" to position {copied.position}: {copied.digest}."
    )
    return 0
