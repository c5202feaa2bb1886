"""What became of every expense handed to Codat, from an event-sourced history."""

from reconcile.version import VERSION

TYPE_CHECKING = False  # as `typing` has it, whose import takes a tenth of a start

if TYPE_CHECKING:
    from reconcile.audit.evidence import EvidenceCheck
    from reconcile.audit.tie_out import Difference, TieOut
    from reconcile.cases.expenses import Decided
    from reconcile.cases.listing import Case
    from reconcile.codat.client import Answer, AsyncCodatClient, CodatClient, Rerequests
    from reconcile.codat.client.quota import Figures, Priority, Quota
    from reconcile.codat.exchange import Exchange, OtherTraffic, Unreadable
    from reconcile.codat.har import read_document, read_lines
    from reconcile.codat.requests import (
        Request,
        attach,
        create_adjustments,
        create_expenses,
        create_reimbursables,
        push_dataset,
        put_transfer,
        start_sync,
        update_expense,
        update_reimbursable,
    )
    from reconcile.console.app import ConsoleApp
    from reconcile.domain.concurrency import Concurrency
    from reconcile.domain.policy import Policy
    from reconcile.domain.request import RequestState
    from reconcile.domain.vocabulary import (
        Action,
        BreakKind,
        FindingKind,
        ItemState,
        Owner,
        Verdict,
    )
    from reconcile.endpoint import (
        AsgiApp,
        Limits,
        Reply,
        Trust,
        WebhookEndpoint,
        WsgiApp,
    )
    from reconcile.endpoint.answers import BodyNotRead
    from reconcile.errors import (
        AlreadyMadeError,
        BoundaryError,
        BusyError,
        CodatUnavailable,
        HistoryError,
        InDoubtError,
        NoStoreError,
        NotToBeSentError,
        PayloadError,
        ReconcileError,
        SignatureError,
        StoreAwayError,
        StoreError,
        StoreLostError,
        UsageError,
        WorkersLostError,
    )
    from reconcile.intake.captures import UnreadCapture
    from reconcile.intake.scrub import Scrubbing
    from reconcile.intake.take import Intake
    from reconcile.judgement.facts import Content, Decision
    from reconcile.judgement.item import Item, Leg
    from reconcile.live.dispatch import Dispatch, Sent
    from reconcile.live.follow import Follower
    from reconcile.live.pace import Pace
    from reconcile.live.recovery import Recovered
    from reconcile.projections.summaries import Finding, SyncSummary
    from reconcile.readmodels.parallel import Processes
    from reconcile.reconciler import Reconciler
    from reconcile.report.build import Report, ReportStream, Share, Totals
    from reconcile.report.csv import to_csv
    from reconcile.report.exported import Export
    from reconcile.report.groups import Group, Judged
    from reconcile.report.html.page import to_html
    from reconcile.report.money import AgeKey, StateKey, Sum
    from reconcile.report.selection import Selection
    from reconcile.report.story import JudgementChanged, Story, StoryEntry
    from reconcile.report.what_if import WhatIf
    from reconcile.report.wire import digest, item_data, to_data, to_json
    from reconcile.retries.company_run import WaitingLine
    from reconcile.retries.outcome import (
        ExpenseOutcome,
        LineOutcome,
        PlanOutcome,
        RetryOutcome,
    )
    from reconcile.retries.passing import PassingRetries
    from reconcile.retries.plan import (
        Correction,
        LeftOut,
        LeftOutReason,
        Operation,
        Plan,
        PlanLine,
    )
    from reconcile.retries.policy import QuietHours, RetryPolicy, RetryWait
    from reconcile.retries.policy_file import load_policy
    from reconcile.retries.run import RetryDispatch, RetryRun
    from reconcile.rules import Backoff, Failure, Match, Rule, Ruleset, load_rules
    from reconcile.storage.exports.manifest import ExportFile, ExportManifest
    from reconcile.storage.moving import Copied, copy_store
    from reconcile.storage.opening import migrate

__version__ = VERSION

__all__ = [
    "Action",
    "AgeKey",
    "AlreadyMadeError",
    "Answer",
    "AsgiApp",
    "AsyncCodatClient",
    "Backoff",
    "BodyNotRead",
    "BoundaryError",
    "BreakKind",
    "BusyError",
    "Case",
    "CodatClient",
    "CodatUnavailable",
    "Concurrency",
    "ConsoleApp",
    "Content",
    "Copied",
    "Correction",
    "Decided",
    "Decision",
    "Difference",
    "Dispatch",
    "EvidenceCheck",
    "Exchange",
    "ExpenseOutcome",
    "Export",
    "ExportFile",
    "ExportManifest",
    "Failure",
    "Figures",
    "Finding",
    "FindingKind",
    "Follower",
    "Group",
    "HistoryError",
    "InDoubtError",
    "Intake",
    "Item",
    "ItemState",
    "Judged",
    "JudgementChanged",
    "LeftOut",
    "LeftOutReason",
    "Leg",
    "Limits",
    "LineOutcome",
    "Match",
    "NoStoreError",
    "NotToBeSentError",
    "Operation",
    "OtherTraffic",
    "Owner",
    "Pace",
    "PassingRetries",
    "PayloadError",
    "Plan",
    "PlanLine",
    "PlanOutcome",
    "Policy",
    "Priority",
    "Processes",
    "QuietHours",
    "Quota",
    "ReconcileError",
    "Reconciler",
    "Recovered",
    "Reply",
    "Report",
    "ReportStream",
    "Request",
    "RequestState",
    "Rerequests",
    "RetryDispatch",
    "RetryOutcome",
    "RetryPolicy",
    "RetryRun",
    "RetryWait",
    "Rule",
    "Ruleset",
    "Scrubbing",
    "Selection",
    "Sent",
    "Share",
    "SignatureError",
    "StateKey",
    "StoreAwayError",
    "StoreError",
    "StoreLostError",
    "Story",
    "StoryEntry",
    "Sum",
    "SyncSummary",
    "TieOut",
    "Totals",
    "Trust",
    "UnreadCapture",
    "Unreadable",
    "UsageError",
    "Verdict",
    "WaitingLine",
    "WebhookEndpoint",
    "WhatIf",
    "WorkersLostError",
    "WsgiApp",
    "__version__",
    "attach",
    "copy_store",
    "create_adjustments",
    "create_expenses",
    "create_reimbursables",
    "digest",
    "item_data",
    "load_policy",
    "load_rules",
    "migrate",
    "push_dataset",
    "put_transfer",
    "read_document",
    "read_lines",
    "start_sync",
    "to_csv",
    "to_data",
    "to_html",
    "to_json",
    "update_expense",
    "update_reimbursable",
]

_HOMES = {
    "reconcile.audit.evidence": ("EvidenceCheck",),
    "reconcile.audit.tie_out": ("Difference", "TieOut"),
    "reconcile.cases.expenses": ("Decided",),
    "reconcile.cases.listing": ("Case",),
    "reconcile.codat.client": (
        "Answer",
        "AsyncCodatClient",
        "CodatClient",
        "Rerequests",
    ),
    "reconcile.codat.client.quota": ("Figures", "Priority", "Quota"),
    "reconcile.codat.exchange": ("Exchange", "OtherTraffic", "Unreadable"),
    "reconcile.codat.har": ("read_document", "read_lines"),
    "reconcile.codat.requests": (
        "Request",
        "attach",
        "create_adjustments",
        "create_expenses",
        "create_reimbursables",
        "push_dataset",
        "put_transfer",
        "start_sync",
        "update_expense",
        "update_reimbursable",
    ),
    "reconcile.console.app": ("ConsoleApp",),
    "reconcile.domain.concurrency": ("Concurrency",),
    "reconcile.domain.policy": ("Policy",),
    "reconcile.domain.request": ("RequestState",),
    "reconcile.domain.vocabulary": (
        "Action",
        "BreakKind",
        "FindingKind",
        "ItemState",
        "Owner",
        "Verdict",
    ),
    "reconcile.endpoint": (
        "AsgiApp",
        "Limits",
        "Reply",
        "Trust",
        "WebhookEndpoint",
        "WsgiApp",
    ),
    "reconcile.endpoint.answers": ("BodyNotRead",),
    "reconcile.errors": (
        "AlreadyMadeError",
        "BoundaryError",
        "BusyError",
        "CodatUnavailable",
        "HistoryError",
        "InDoubtError",
        "NoStoreError",
        "NotToBeSentError",
        "PayloadError",
        "ReconcileError",
        "SignatureError",
        "StoreAwayError",
        "StoreError",
        "StoreLostError",
        "UsageError",
        "WorkersLostError",
    ),
    "reconcile.intake.captures": ("UnreadCapture",),
    "reconcile.intake.scrub": ("Scrubbing",),
    "reconcile.intake.take": ("Intake",),
    "reconcile.judgement.facts": ("Content", "Decision"),
    "reconcile.judgement.item": ("Item", "Leg"),
    "reconcile.live.dispatch": ("Dispatch", "Sent"),
    "reconcile.live.follow": ("Follower",),
    "reconcile.live.pace": ("Pace",),
    "reconcile.live.recovery": ("Recovered",),
    "reconcile.projections.summaries": ("Finding", "SyncSummary"),
    "reconcile.readmodels.parallel": ("Processes",),
    "reconcile.reconciler": ("Reconciler",),
    "reconcile.report.build": ("Report", "ReportStream", "Share", "Totals"),
    "reconcile.report.csv": ("to_csv",),
    "reconcile.report.exported": ("Export",),
    "reconcile.report.groups": ("Group", "Judged"),
    "reconcile.report.money": ("AgeKey", "StateKey", "Sum"),
    "reconcile.report.selection": ("Selection",),
    "reconcile.report.story": ("JudgementChanged", "Story", "StoryEntry"),
    "reconcile.report.what_if": ("WhatIf",),
    "reconcile.report.html.page": ("to_html",),
    "reconcile.report.wire": ("digest", "item_data", "to_data", "to_json"),
    "reconcile.retries.company_run": ("WaitingLine",),
    "reconcile.retries.outcome": (
        "ExpenseOutcome",
        "LineOutcome",
        "PlanOutcome",
        "RetryOutcome",
    ),
    "reconcile.retries.passing": ("PassingRetries",),
    "reconcile.retries.plan": (
        "Correction",
        "LeftOut",
        "LeftOutReason",
        "Operation",
        "Plan",
        "PlanLine",
    ),
    "reconcile.retries.policy": (
        "QuietHours",
        "RetryPolicy",
        "RetryWait",
    ),
    "reconcile.retries.policy_file": ("load_policy",),
    "reconcile.retries.run": (
        "RetryDispatch",
        "RetryRun",
    ),
    "reconcile.rules": ("Backoff", "Failure", "Match", "Rule", "Ruleset", "load_rules"),
    "reconcile.storage.moving": ("Copied", "copy_store"),
    "reconcile.storage.opening": ("migrate",),
    "reconcile.storage.exports.manifest": ("ExportFile", "ExportManifest"),
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
