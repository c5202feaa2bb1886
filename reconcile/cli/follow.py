"""The command that reads every sync to its end, once or until it is stopped."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconcile.cli.account import Access, access, account_options
from reconcile.cli.log import tell_log
from reconcile.cli.opening import opened, rules_in_use
from reconcile.cli.policies import policy_from
from reconcile.cli.signals import ending, stopping
from reconcile.cli.status import UNRELIABLE
from reconcile.cli.terminal import say
from reconcile.codat.client.account import utc_now
from reconcile.domain.instants import format_instant
from reconcile.errors import UsageError
from reconcile.retries.policy import RetryPolicy


@click.command()
@click.option("--once", is_flag=True, help="Read what is due now, and end.")
@click.option("--retry", is_flag=True, help="Send again what passes by itself.")
@click.option("--policy", metavar="FILE", help="How often and how soon, as TOML.")
@account_options
@click.pass_obj
def follow(
    store: str,
    *,
    once: bool,
    retry: bool,
    policy: str | None,
    api_key: str | None,
    base_url: str,
) -> int:
    """Read every sync from Codat to its end.

    Statuses, pages of transactions, and requests whose answer was lost. With --retry,
    what failed for a cause that passes with time, such as an outage, is sent again, by
    the policy; what needs a person is not.
    """
    account = access(api_key, base_url)
    if policy is not None and not retry:
        raise UsageError("--policy was given without --retry, expected both")
    terms = policy_from(policy, rules_in_use()) if retry else None
    tell_log()
    if once:
        return _once(store, account, terms)
    with (
        stopping() as stop,
        opened(store) as books,
        account.client_until(stop, books) as client,
        ending(stop, client.stop),
    ):
        say("Following every sync; stop it with Ctrl-C.")
        books.follower(client, holder=holder(), retry=terms).run(stop)
    return 0


def _once(store: str, account: Access, retry: RetryPolicy | None) -> int:
    """Read all that is due, what becomes due by it too; 2 where some could not be."""
    with (
        opened(store, create=False) as books,
        account.client(books) as client,
    ):
        follower = books.follower(client, holder=holder(), retry=retry)
        due = follower.step()
        while due is not None and due <= utc_now():
            due = follower.step()
    outlook = (
        "nothing is known of" if due is None else f"next due {format_instant(due)}"
    )
    say(f"Followed what was due; {outlook}.")
    if follower.failed:
        reads = "1 read" if follower.failed == 1 else f"{follower.failed} reads"
        say(f"{reads} failed; each is due again later.", err=True)
    return UNRELIABLE if follower.failed else 0


def holder() -> str:
    """Return the name under which this process takes leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def following(store: str, account: Access, stop: threading.Event) -> Iterator[None]:
    """Follow in a thread of its own, until `stop` or the end of the `with`."""
    with (
        opened(store) as books,
        account.client_until(stop, books) as client,
    ):
        follower = books.follower(client, holder=holder())

        def run() -> None:
            with ending(stop, client.stop):
                follower.run(stop)

        thread = threading.Thread(target=run, name="follower")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
