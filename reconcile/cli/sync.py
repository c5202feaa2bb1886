"""The command that starts a sync, or ends the doubt of those whose answer was lost."""

import shlex
from typing import Final

import click

from reconcile.cli.account import Access, access, account_options, shown
from reconcile.cli.opening import opened
from reconcile.cli.push import started
from reconcile.cli.status import UNRELIABLE
from reconcile.cli.terminal import say
from reconcile.domain.identity import canonical_id
from reconcile.errors import UsageError

ACTOR: Final = "reconcile sync"


@click.command()
@click.argument("datasets", nargs=-1, metavar="DATASET…")
@click.option(
    "--company",
    required=True,
    metavar="ID",
    help="The company that the datasets belong to.",
)
@click.option(
    "--recover", is_flag=True, help="Find out what came of requests in doubt."
)
@click.option(
    "--abandon",
    metavar="REQUEST",
    help="Decide that this request was not carried out.",
)
@click.option("--actor", metavar="A", help="Who decides.")
@click.option("--reason", metavar="R", help="Why.")
@account_options
@click.pass_obj
def sync(
    store: str,
    datasets: tuple[str, ...],
    company: str,
    recover: bool,
    abandon: str | None,
    actor: str | None,
    reason: str | None,
    api_key: str | None,
    base_url: str,
) -> int:
    """Sync datasets, or settle requests in doubt.

    With datasets, one sync of them is started (v1). With --recover, nothing is sent:
    Codat's list of syncs is read for the requests in doubt. Exits with 2 while one
    remains. With --abandon, a person ends the doubt, and Codat is not asked.
    """
    given = recover + bool(datasets) + (abandon is not None)
    if given != 1:
        raise UsageError(
            f"{given} of datasets, --recover and --abandon were given, expected 1"
        )
    if abandon is None and not (actor is None and reason is None):
        raise UsageError("--actor and --reason were given without --abandon")
    company_id = canonical_id(company)
    if abandon is not None:
        if not (actor and reason):
            raise UsageError("--abandon was given without --actor and --reason")
        return _abandon(store, company_id, abandon, actor=actor, reason=reason)
    reach = access(api_key, base_url)
    if recover:
        return _recover(store, reach, company_id)
    named = list(dict.fromkeys(map(canonical_id, datasets)))
    if not all(dataset_id.strip() for dataset_id in named):
        raise UsageError("a dataset's id is blank, expected an id")
    with opened(store) as books, reach.client(books) as client:
        started(books.dispatch(client.ask, actor=ACTOR), company_id, named)
    return 0


def _abandon(
    store: str, company_id: str, request_id: str, *, actor: str, reason: str
) -> int:
    with opened(store, create=False) as books:
        books.abandon(company_id, request_id, actor=actor, reason=reason)
    say(
        f"Request {shown(request_id)} is abandoned: it counts as not carried out,"
        " and what it names may be sent again."
    )
    return 0


def _recover(store: str, reach: Access, company_id: str) -> int:
    with (
        opened(store, create=False) as books,
        reach.client(books) as client,
    ):
        found = books.recover(client.ask, company_id, actor=ACTOR)
        dispatch = books.dispatch(client.ask, actor=ACTOR)
        in_doubt = {
            recovered.request_id: recovered
            for recovered in dispatch.in_doubt(company_id)
        }
    for recovered in found:
        if recovered.sync_id is not None:
            sync_id = shown(recovered.sync_id)
            say(f"Request {recovered.request_id} was carried out: sync {sync_id}.")
    for name, state in in_doubt.items():
        why = (
            "it may be under way, so ask again in five minutes"
            if state.unanswered
            else "no sync in Codat's list is certain to be its own;"
            f" {_way_out(company_id, name)}"
        )
        say(f"Request {name} is in doubt still: {why}.", err=True)
    if not found and not in_doubt:
        say("No request is in doubt.")
    return UNRELIABLE if in_doubt else 0


def _way_out(company_id: str, request_id: str) -> str:
    words = ["reconcile", "sync", "--company", company_id, "--abandon", request_id]
    command = shown(shlex.join([*words, "--actor", "A", "--reason", "R"]))
    return f"if Codat's portal does not show it either, `{command}` ends the doubt"
