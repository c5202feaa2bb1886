"""The command that reads every sync to its end, once or until it is stopped."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconcile.cli.account import Access, access, account_options
from reconcile.cli.log import tell_log
from reconcile.cli.signals import stopping
from reconcile.domain.instants import format_instant
from reconcile.follow import Follower
from reconcile.reconciler import Reconciler, utc_now


@click.command()
@click.option("--once", is_flag=True, help="Read what is due now, and end.")
@account_options
@click.pass_obj
def follow(store: str, *, once: bool, api_key: str | None, base_url: str) -> int:
    """Read every sync to its end: statuses, pages, requests whose answer was lost."""
    account = access(api_key, base_url)
    tell_log()
    with (
        Reconciler.open(store, create=not once) as books,
        account.client(books) as client,
    ):
        follower = books.follower(client, holder=holder())
        if once:
            return _once(follower)
        click.echo("Following every sync; stop it with Ctrl-C.")
        with stopping() as stop:
            follower.run(stop)
    return 0


def _once(follower: Follower) -> int:
    """Read all that is due, what becomes due by it too; 2 where some could not be."""
    due = follower.step()
    while due is not None and due <= utc_now():
        due = follower.step()
    told = "nothing is known of" if due is None else f"next due {format_instant(due)}"
    click.echo(f"Followed what was due; {told}.")
    if follower.failed:
        reads = "1 read" if follower.failed == 1 else f"{follower.failed} reads"
        click.echo(f"{reads} failed; each is due again later.", err=True)
    return 2 if follower.failed else 0


def holder() -> str:
    """Return the name under which this process takes leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def following(store: str, account: Access) -> Iterator[None]:
    """Follow in a thread of its own, until the end of the `with`."""
    stop = threading.Event()

    def work() -> None:
        with Reconciler.open(store) as books, account.client(books) as client:
            books.follower(client, holder=holder()).run(stop)

    thread = threading.Thread(target=work, name="follower")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
