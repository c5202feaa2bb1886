"""The command that makes a store's tables, or brings them up to date."""

import click

from reconcile.cli.terminal import say
from reconcile.storage.opening import migrate as migrate_store
from reconcile.storage.opening import migration_sql


@click.command()
@click.option("--sql", "as_sql", is_flag=True, help="Print the SQL; change nothing.")
@click.option(
    "--writer",
    metavar="ROLE",
    help="Let this role read and write, not change tables.",
)
@click.pass_obj
def migrate(store: str, *, as_sql: bool, writer: str | None) -> int:
    """Make the store's tables, or update them.

    PostgreSQL's are made by nothing else, so that the role a service runs as need not
    be allowed to. Several may run this at once; what is done already changes nothing.
    """
    if as_sql:
        for line in migration_sql(store, writer=writer).rstrip().splitlines():
            say(line)
        return 0
    steps = migrate_store(store, writer=writer)
    for step in steps:
        say(f"{step}: done")
    if not steps:
        say("The store is up to date.")
    return 0
