"""The command that writes the history as Parquet, for clusters and for questions."""

import click

from reconcile.cli.account import shown
from reconcile.cli.opening import reading
from reconcile.cli.progress import counting
from reconcile.cli.terminal import counted, say


@click.command()
@click.argument("folder", metavar="DIR")
@click.pass_obj
def export(store: str, folder: str) -> int:
    """Write the history to a folder as Parquet.

    DIR is new, empty, or holds an older export, which it takes the place of. A company
    is in one file, and a file holds whole companies. DuckDB and Spark read it, and so
    do report, causes and audit tie-out with --from.
    """
    with reading(store) as books, counting("Exporting") as progress:
        books.store.check()
        manifest = books.export(folder, progress=progress)
    say(
        f"{shown(folder)} is a whole export, to position {manifest.position}:"
        f" {counted(manifest.events, 'event', 'events')}"
        f" of {counted(manifest.companies, 'company', 'companies')}"
        f" in {counted(len(manifest.files), 'file', 'files')}."
    )
    return 0
