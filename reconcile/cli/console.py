"""The command that serves the console: arguments in, pages until it is stopped."""

import csv
import getpass
import io
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from reconcile.cli.arguments import listening_options
from reconcile.cli.log import tell_log
from reconcile.cli.opening import opened
from reconcile.cli.signals import stopping
from reconcile.cli.terminal import say
from reconcile.domain.identity import canonical_id
from reconcile.errors import UsageError
from reconcile.foreign import one_line
from reconcile.reconciler import Reconciler
from reconcile.storage.backup import readable
from reconcile.storage.opening import is_read_only

_WAKE_S: Final = 0.1  # how long a signal to end may go unseen
_CUSTOMERS_BYTES_MAX: Final = 16 * 2**20
_EXTRA: Final = ("jinja2", "starlette", "svg", "uvicorn")


@click.command()
@listening_options(port=8789)
@click.option(
    "--customers",
    metavar="FILE",
    help="Names of companies, as CSV: a company's id and its name.",
)
@click.option(
    "--zone",
    metavar="NAME",
    help="A zone that moments are shown in beside UTC, such as Europe/London.",
)
@click.option(
    "--actor",
    metavar="A",
    help="Who decides in it; your login name by default.",
)
@click.pass_obj
def console(
    store: str,
    host: str,
    port: int,
    customers: str | None,
    zone: str | None,
    actor: str | None,
) -> int:
    """Serve the pages for finance until stopped.

    For whoever starts it: the link that it prints works once, in one browser.
    """
    _check_extra()
    from reconcile.console.app import ConsoleApp  # noqa: PLC0415 - needs the extra
    from reconcile.console.server import is_loopback, serving  # noqa: PLC0415 - as above

    name = None if is_read_only(store) else _actor(actor)
    names = {} if customers is None else customers_in(customers)
    tell_log()
    context = click.get_current_context()
    with (
        stopping() as stop,
        readable(store) as url,
        opened(url, create=False),  # so that what is wrong is told now
        ConsoleApp(
            lambda: _opened(context, url), lambda _: name, customers=names, zone=zone
        ) as app,
        serving(app, host=host, port=port) as (served, link),
    ):
        if not is_loopback(host):
            say(
                f"Others can reach {host}: whoever has the link decides as"
                f" {one_line(name or 'nobody')}, and nothing is encrypted.",
                err=True,
            )
        if name is None:
            say("The store may only be read: nothing can be decided.", err=True)
        say(f"The console is at {link}; stop it with Ctrl-C.")
        while served.thread.is_alive() and not stop.is_set():
            stop.wait(_WAKE_S)
    return 0


def _opened(context: click.Context, url: str) -> Reconciler:
    """Return a reconciler by the rules of the command, in whichever thread asks."""
    with context.scope(cleanup=False):
        return opened(url, create=False)


def _check_extra() -> None:
    absent = [name for name in _EXTRA if find_spec(name) is None]
    if absent:
        raise UsageError(
            f"the console needs the package {absent[0]}: install"
            " codat-reconcile[console]"
        )


def _actor(given: str | None) -> str:
    """Return who decides: the name that is given, or that of the login.

    Raises:
        UsageError: there is neither.

    """
    if given is not None:
        if not given.strip():
            raise UsageError("--actor is blank, expected a name")
        return given.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise UsageError(
            "the login has no name, expected --actor with the name of who decides"
        ) from error


def customers_in(name: str) -> dict[str, str]:
    """Return the names of companies in a CSV file; a first line of heads is passed.

    Raises:
        UsageError: it cannot be read, or a line is not an id and a name.

    """
    try:
        raw = Path(name).read_bytes()[: _CUSTOMERS_BYTES_MAX + 1]
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}, expected a CSV file"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text, expected a CSV file") from error
    if len(raw) > _CUSTOMERS_BYTES_MAX:
        raise UsageError(
            f"{name} is larger than {_CUSTOMERS_BYTES_MAX} bytes, expected a CSV file"
        )
    found: dict[str, str] = {}
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text), strict=True), 1):
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            if len(values) != 2 or not all(values):
                raise UsageError(
                    f"{name}: line {number}: {len(values)} columns, expected a"
                    " company's id and its name"
                )
            if number > 1 or values[0].lower() not in _HEADS:
                found[canonical_id(values[0])] = values[1]
    except csv.Error as error:
        raise UsageError(f"{name} is not CSV: {error}") from error
    return found


_HEADS: Final = ("company", "company id", "company_id", "companyid", "id")
