"""What asks Codat: the only room that knows httpx."""

from reconcile.codat.client.answers import Answer
from reconcile.codat.client.clients import AsyncCodatClient, CodatClient
from reconcile.codat.client.quota import Priority, Quota
from reconcile.codat.client.rerequests import Rerequests

__all__ = [
    "Answer",
    "AsyncCodatClient",
    "CodatClient",
    "Priority",
    "Quota",
    "Rerequests",
]
