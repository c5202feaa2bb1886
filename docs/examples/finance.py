"""The console as every host on these pages mounts it, whatever framework it is."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import office

from reconcile import CodatClient, ConsoleApp, Reconciler

MAY_RUN = {"Dana Whitfield"}
CUSTOMERS = {"8cba59e5-ae8a-418b-918a-09f90850e8d8": "Harrow & Finch Ltd"}


@contextmanager
def sending(books: Reconciler) -> Iterator[CodatClient]:
    """Give the client that a plan is sent with; it records in these books."""
    with CodatClient.connected(
        api_keys=office.API_KEY,
        base_url=office.BASE_URL,
        record=books.record,
        quota=office.QUOTA,
    ) as client:
        yield client


def customer(company_id: str) -> str | None:
    """Return a customer's name; yours comes from your own database."""
    return CUSTOMERS.get(company_id)


def console(actor: Callable[[Any], str | None]) -> ConsoleApp:
    """Return the console, for people whom a host knows by its own login."""
    return ConsoleApp(
        office.STORE,
        actor,
        may_run=lambda name: name in MAY_RUN,
        send=sending,
        customers=customer,
        zone="Europe/London",
        title="Office finance",
        secret=os.environ["FINANCE_SECRET"].encode(),
    )
