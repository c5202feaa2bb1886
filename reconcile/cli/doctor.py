"""The command that says whether all that is needed is there: one line a check."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from reconcile.cli import doctor_codat
from reconcile.cli.account import account_options, shown
from reconcile.cli.opening import reading
from reconcile.cli.status import UNRELIABLE
from reconcile.cli.terminal import say
from reconcile.errors import NoStoreError, ReconcileError
from reconcile.health import Checked, checks_of
from reconcile.storage.opening import files_of, is_read_only


@click.command()
@click.option(
    "--endpoint",
    metavar="URL",
    help="Check that the webhook endpoint at this URL answers.",
)
@account_options
@click.pass_obj
def doctor(store: str, endpoint: str | None, api_key: str | None, base_url: str) -> int:
    """Check the setup and the way to Codat.

    The store, the clock, the key, the quota, Codat's host, the endpoint. Nothing is
    changed or stored. Exits with 2 if there is a problem.
    """
    wrong = False
    for check in _checks(store, endpoint, api_key, base_url):
        wrong = wrong or check.state == "problem"
        hint = f" ({check.hint})" if check.hint else ""
        say(shown(f"{check.state:<7}  {check.name}: {check.text}{hint}"))
    return UNRELIABLE if wrong else 0


def _checks(
    store: str, endpoint: str | None, api_key: str | None, base_url: str
) -> Iterator[Checked]:
    yield from _checks_of_store(store)
    yield from doctor_codat.checks_of_codat(api_key, base_url)
    yield doctor_codat.check_of_endpoint(endpoint)


def _checks_of_store(store: str) -> Iterator[Checked]:
    try:
        with reading(store) as books:
            checks = checks_of(books, datetime.now(UTC))
            if is_read_only(store):
                next(checks)  # of the copy that is read in its place
                yield _read_only(store)
            yield from checks
    except NoStoreError as error:
        hint = "check --store; ingest, push and serve create a store"
        yield Checked("problem", "store", str(error), hint)
    except ReconcileError as error:
        yield Checked("problem", "store", str(error))


def _read_only(store: str) -> Checked:
    text = f"{files_of(store)[0]} may only be read, by whoever runs this"
    hint = "reports are made of a copy; what writes needs its file and its folder"
    return Checked("problem", "store", text, hint)
