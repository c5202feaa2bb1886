"""What became of every expense handed to Codat, from an event-sourced history."""

import logging

from reconcile.codat.client.clients import AsyncCodatClient, CodatClient
from reconcile.codat.client.quota import Priority, Quota
from reconcile.codat.exchange import Exchange
from reconcile.codat.har import read_document, read_lines
from reconcile.domain.policy import Policy
from reconcile.domain.vocabulary import BreakKind, FindingKind, ItemState, Verdict
from reconcile.endpoint import AsgiApp, Trust, WebhookEndpoint, WsgiApp
from reconcile.errors import (
    BoundaryError,
    BusyError,
    CodatUnavailable,
    HistoryError,
    InDoubtError,
    NoStoreError,
    PayloadError,
    ReconcileError,
    SignatureError,
    StoreError,
    UsageError,
)
from reconcile.intake.take import Intake
from reconcile.judgement.item import Item, Leg
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.reconciler import Reconciler
from reconcile.report.build import Judged, Report
from reconcile.report.wire import item_data, to_data
from reconcile.rules import Ruleset
from reconcile.version import VERSION

__version__ = VERSION

logging.getLogger("reconcile").addHandler(logging.NullHandler())  # the host's choice

__all__ = [
    "AsgiApp",
    "AsyncCodatClient",
    "BoundaryError",
    "BreakKind",
    "BusyError",
    "CodatClient",
    "CodatUnavailable",
    "Exchange",
    "Finding",
    "FindingKind",
    "HistoryError",
    "InDoubtError",
    "Intake",
    "Item",
    "ItemState",
    "Judged",
    "Leg",
    "NoStoreError",
    "PayloadError",
    "Policy",
    "Priority",
    "Quota",
    "ReconcileError",
    "Reconciler",
    "Report",
    "Ruleset",
    "SignatureError",
    "StoreError",
    "SyncSummary",
    "Trust",
    "UsageError",
    "Verdict",
    "WebhookEndpoint",
    "WsgiApp",
    "__version__",
    "item_data",
    "read_document",
    "read_lines",
    "to_data",
]
