"""The command that starts a sync of datasets, or finds those whose answer was lost."""

from typing import Final

import click

from reconcile.cli.account import Access, access, account_options, shown
from reconcile.cli.push import started
from reconcile.domain.identity import canonical_id
from reconcile.errors import UsageError
from reconcile.reconciler import Reconciler

ACTOR: Final = "reconcile sync"
UNRELIABLE: Final = 2


@click.command()
@click.argument("datasets", nargs=-1, metavar="DATASET…")
@click.option("--company", required=True, metavar="ID", help="Whose datasets they are.")
@click.option(
    "--recover", is_flag=True, help="Find out what came of requests in doubt."
)
@account_options
@click.pass_obj
def sync(
    store: str,
    datasets: tuple[str, ...],
    company: str,
    recover: bool,
    api_key: str | None,
    base_url: str,
) -> int:
    """Start one sync of datasets (v1); or find out what came of requests in doubt.

    With --recover, nothing is sent: what Codat lists is read. Ends with 2 while a
    request is in doubt.
    """
    if recover == bool(datasets):
        raise UsageError("name the datasets to sync, or use --recover")
    reach = access(api_key, base_url)
    company_id = canonical_id(company)
    if recover:
        return _recover(store, reach, company_id)
    named = list(dict.fromkeys(map(canonical_id, datasets)))
    if not all(one.strip() for one in named):
        raise UsageError("a dataset's id is not blank")
    with Reconciler.open(store) as books, reach.client(books) as client:
        started(books.dispatch(client.ask, actor=ACTOR), company_id, named)
    return 0


def _recover(store: str, reach: Access, company_id: str) -> int:
    with (
        Reconciler.open(store, create=False) as books,
        reach.client(books) as client,
    ):
        found = books.recover(client.ask, company_id, actor=ACTOR)
        dispatch = books.dispatch(client.ask, actor=ACTOR)
        doubtful = {one.request_id: one for one in dispatch.doubtful(company_id)}
    for one in found:
        if one.sync_id is not None:
            click.echo(
                f"Request {one.request_id} was carried out: sync {shown(one.sync_id)}."
            )
    for name, standing in doubtful.items():
        why = (
            "it may be under way, so ask again in five minutes"
            if standing.unheard
            else "no sync that Codat lists is certain to be its own"
        )
        click.echo(f"Request {name} is in doubt still: {why}.", err=True)
    if not found and not doubtful:
        click.echo("No request is in doubt.")
    return UNRELIABLE if doubtful else 0
