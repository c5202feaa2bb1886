"""The command that copies the store, whole, while others use it."""

import click

from reconcile.cli.account import shown
from reconcile.cli.output import Output
from reconcile.cli.terminal import say
from reconcile.storage.backup import back_up


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
