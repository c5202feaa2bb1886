"""The command that says whether all that is needed is there: one line a check."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from reconcile.cli import doctor_codat
from reconcile.cli.account import account_options, shown
from reconcile.cli.doctor_store import Checked, checks_of_store
from reconcile.cli.status import UNRELIABLE
from reconcile.cli.terminal import say


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
    yield from checks_of_store(store, datetime.now(UTC))
    yield from doctor_codat.checks_of_codat(api_key, base_url)
    yield doctor_codat.check_of_endpoint(endpoint)
