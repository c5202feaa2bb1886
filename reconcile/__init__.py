"""What became of every expense handed to Codat, from an event-sourced history."""

from reconcile.version import VERSION

TYPE_CHECKING = False  # as `typing` has it, whose import takes a tenth of a start

if TYPE_CHECKING:
    from reconcile.codat.client import AsyncCodatClient, CodatClient
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
        StoreLostError,
        UsageError,
    )
    from reconcile.intake.take import Intake
    from reconcile.judgement.item import Item, Leg
    from reconcile.projections.summaries import Finding, SyncSummary
    from reconcile.reconciler import Reconciler
    from reconcile.report.build import Judged, Report
    from reconcile.report.wire import item_data, to_data
    from reconcile.rules import Ruleset

__version__ = VERSION

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
    "StoreLostError",
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

_HOMES = {
    "reconcile.codat.client": ("AsyncCodatClient", "CodatClient"),
    "reconcile.codat.exchange": ("Exchange",),
    "reconcile.codat.har": ("read_document", "read_lines"),
    "reconcile.codat.client.quota": ("Priority", "Quota"),
    "reconcile.judgement.item": ("Item", "Leg"),
    "reconcile.domain.policy": ("Policy",),
    "reconcile.domain.vocabulary": ("BreakKind", "FindingKind", "ItemState", "Verdict"),
    "reconcile.endpoint": ("AsgiApp", "Trust", "WebhookEndpoint", "WsgiApp"),
    "reconcile.errors": (
        "BoundaryError",
        "BusyError",
        "CodatUnavailable",
        "HistoryError",
        "InDoubtError",
        "NoStoreError",
        "PayloadError",
        "ReconcileError",
        "SignatureError",
        "StoreError",
        "StoreLostError",
        "UsageError",
    ),
    "reconcile.intake.take": ("Intake",),
    "reconcile.reconciler": ("Reconciler",),
    "reconcile.report.build": ("Judged", "Report"),
    "reconcile.report.wire": ("item_data", "to_data"),
    "reconcile.rules": ("Ruleset",),
    "reconcile.projections.summaries": ("Finding", "SyncSummary"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # for a type checker, no name is there that is not above

    def __getattr__(name: str) -> object:
        """Return a public name, imported when it is first asked for.

        So the command line is interruptible, and quick, before it knows what it needs.
        """
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib  # noqa: PLC0415 - as above

        import reconcile.quiet  # noqa: F401, PLC0415 - before anything can be logged

        found = globals()[name] = getattr(importlib.import_module(_HOME_OF[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
