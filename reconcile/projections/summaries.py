"""What is told of a sync as a whole, and what is found beside the items."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Final

import attrs

from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import (
    NOTICE_CLASS,
    CodeClass,
    FindingKind,
    NoticeKind,
    RequestOutcome,
)
from reconcile.judgement.facts import DatasetFacts, RefusedRead, SyncFacts, Unsettled
from reconcile.judgement.listing import shown
from reconcile.judgement.sync_context import SyncContext
from reconcile.projections.folds import CompanyFacts, GroupsAt


@attrs.frozen(kw_only=True)
class SyncSummary:
    """One sync as a report shows it.

    `expected` and `reported` count transactions; `promised` and `seen` count the rows
    of its listing: what Codat's total says, and what the pages read so far hold.
    """

    company_id: str
    sync_id: str
    state: str
    status_code: int | None
    status: str | None
    listing: str  # "complete", "incomplete" or "unread"
    expected: int
    reported: int
    promised: int | None
    seen: int | None


@attrs.frozen(kw_only=True)
class Finding:
    """Something a report tells beside its items."""

    kind: FindingKind
    company_id: str | None
    sync_id: str | None = None
    transaction_id: str | None = None
    reason: str

    @property
    def order(self) -> tuple[str, str, str, str, str]:
        """Return the place in a report: nulls first, then by code point."""
        return (
            _null_first(self.company_id),
            _null_first(self.sync_id),
            _null_first(self.transaction_id),
            self.kind.value,
            self.reason,
        )


def _null_first(text: str | None) -> str:
    return "" if text is None else f"\x00{text}"


def summarise(
    company: CompanyFacts,
    sync_id: str,
    context: SyncContext,
    *,
    at: datetime,
    groups_at: GroupsAt,
) -> SyncSummary | None:
    """Return a sync as of a moment; None where nothing was known of it by then."""
    if context.order(at) is None:
        return None
    facts = company.syncs[sync_id]
    code = context.code_at(at)
    promised, seen = shown(facts.readings, at=at)
    complete = context.listing.complete_at
    listing = "unread" if seen is None else "incomplete"
    if complete is not None and complete <= at:
        listing = "complete"
    return SyncSummary(
        company_id=company.company_id,
        sync_id=sync_id,
        state=_state(context, at),
        status_code=code.code if code and isinstance(code.code, int) else None,
        status=code.status if code else None,
        listing=listing,
        expected=len(_expected(facts, company.datasets, at)),
        reported=len(_reported(facts, at, groups_at)),
        promised=promised,
        seen=seen,
    )


def _state(context: SyncContext, at: datetime) -> str:
    """Return the sync's state: its current code's class, or without one a webhook's."""
    code = context.code_at(at)
    if code is not None and code.code_class is not CodeClass.IN_PROGRESS:
        return code.code_class.value
    kinds = {NOTICE_CLASS[n.kind] for n in context.notices if n.at <= at}
    for kind in (CodeClass.FAILED, CodeClass.ENDED_WELL, CodeClass.IN_PROGRESS):
        if kind in kinds:
            return kind.value
    return "unknown" if code is None else code.code_class.value


def _expected(
    facts: SyncFacts, datasets: Mapping[str, DatasetFacts], at: datetime
) -> set[str]:
    expected: set[str] = set()
    for initiation in facts.initiations:
        if initiation.at > at:
            continue
        expected.update(initiation.transaction_ids)
        for dataset_id in initiation.dataset_ids:
            for push in datasets.get(dataset_id, DatasetFacts()).pushes:
                if push.at <= at:
                    expected.update(push.transaction_ids)
    return expected


def _reported(facts: SyncFacts, at: datetime, groups_at: GroupsAt) -> set[str]:
    reported: set[str] = set()
    for read in {r.rows_at for r in facts.readings if r.at <= at}:
        for _, transaction_ids in groups_at(read):
            reported.update(transaction_ids)
    return reported


def findings_of_sync(
    company_id: str, context: SyncContext, *, at: datetime
) -> Iterator[Finding]:
    """Yield what is found in one sync's evidence as of a moment."""
    sync_id = context.sync_id
    for kind, transaction_id, reason in _told(context, at):
        yield Finding(
            kind=kind,
            company_id=company_id,
            sync_id=sync_id,
            transaction_id=transaction_id,
            reason=reason,
        )


def _told(
    context: SyncContext, at: datetime
) -> Iterator[tuple[FindingKind, str | None, str]]:
    code = context.code_at(at)
    if code is not None and code.code_class in (CodeClass.ENDED_WELL, CodeClass.FAILED):
        others = {
            n.kind.value
            for n in context.notices
            if n.at <= at
            and NOTICE_CLASS[n.kind] in (CodeClass.ENDED_WELL, CodeClass.FAILED)
            and NOTICE_CLASS[n.kind] is not code.code_class
        }
        if others:
            notices = " and ".join(sorted(others))
            reason = f"the status says {code.code}, a webhook says {notices}"
            yield FindingKind.SOURCES_DISAGREE, None, reason
    for notice in context.notices:
        if notice.kind is NoticeKind.UNRECOGNISED and notice.at <= at:
            reason = f"a webhook of a kind we do not know: {notice.event_type!r}"
            yield FindingKind.UNRECOGNISED, None, reason
    if code is not None and code.code_class is CodeClass.UNRECOGNISED:
        yield (
            FindingKind.UNRECOGNISED,
            None,
            f"a status code we do not know: {code.code}",
        )
    listing = context.listing
    if listing.drifted_at is not None and listing.drifted_at <= at:
        reason = "a page read after the listing was complete lists something else"
        yield FindingKind.LISTING_DRIFT, None, reason
    for (transaction_id, leg), moment in listing.vanished:
        if moment <= at:
            reason = f"its {leg} row was reported, and a complete listing lacks it"
            yield FindingKind.ROW_VANISHED, transaction_id, reason
    for moment, flaw, _ in context.flaws:
        if moment <= at:
            yield flaw.kind, flaw.transaction_id, flaw.reason


def findings_of_reading(company: CompanyFacts, *, at: datetime) -> Iterator[Finding]:
    """Yield each sync that a follower reads no more, unless it was read since."""
    for sync_id, facts in company.syncs.items():
        ends = [given_up for given_up in facts.given_up if given_up.at <= at]
        if not ends:
            continue
        last = max(ends, key=lambda given_up: given_up.at)
        read = (
            *(report.at for report in facts.reports),
            *(reading.at for reading in facts.readings),
        )
        if not any(last.at < moment <= at for moment in read):
            since = format_instant(last.since)
            yield Finding(
                kind=FindingKind.GIVEN_UP,
                company_id=company.company_id,
                sync_id=sync_id,
                reason=f"it is read no more: since {since} it was read in vain",
            )


def findings_of_company(
    company: CompanyFacts, contexts: Mapping[str, SyncContext], *, at: datetime
) -> Iterator[Finding]:
    """Yield that Codat knows a company no longer: its last answer says so.

    Source: Codat OpenAPI document, Sync for Expenses, answer 404.
    """
    if not (company.legs or company.others or company.syncs or company.datasets):
        return  # whatever spoke of it was set aside
    writes = [
        write
        for some in chain(
            (item.unsettled for item in company.others.values() if item.unsettled),
            (d.unsettled for d in company.datasets.values()),
        )
        for write in some
        if write.outcome is RequestOutcome.REFUSED and write.at <= at
    ]
    refused = [
        read for reads in company.refused.values() for read in reads if read.at <= at
    ]
    gone: list[Unsettled | RefusedRead] = [w for w in writes if _says_gone(w)]
    gone += [read for read in refused if _read_says_gone(read)]
    if not gone:
        return
    last = max(
        gone, key=lambda answer: (answer.at, answer.http_status, answer.words or "")
    )
    others = [w.at for w in writes if not _says_gone(w)]
    others += [read.at for read in refused if read.is_answer]
    heard = [moment for c in contexts.values() for moment in c.moments()]
    if any(last.at < moment <= at for moment in (*others, *heard)):
        return
    yield Finding(
        kind=FindingKind.COMPANY_GONE,
        company_id=company.company_id,
        reason=f"Codat answered HTTP {last.http_status}:"
        f" {last.words or 'the company is not known'}",
    )


def _says_gone(write: Unsettled) -> bool:
    """Return whether a refusal means the company: an update may mean its expense."""
    return (
        write.http_status in _GONE
        and write.operation not in ("update", "put")
        and not _CONNECTION.search(write.words or "")
    )


def _read_says_gone(read: RefusedRead) -> bool:
    """Return whether a refused read means the company: it may mean the sync."""
    words = read.words or ""
    return (
        read.http_status in _GONE
        and not _CONNECTION.search(words)
        and not _SYNC.search(words)
    )


_GONE: Final = (404, 410)
_SYNC: Final = re.compile(r"\bsyncs?\b", re.IGNORECASE)
_CONNECTION: Final = re.compile(r"data ?connections?\b", re.IGNORECASE)


def findings_of_datasets(company: CompanyFacts, *, at: datetime) -> Iterator[Finding]:
    """Yield what could not be read of the datasets pushed by a moment."""
    for dataset_id, facts in company.datasets.items():
        for moment, flaw, _ in facts.flaws:
            if moment <= at:
                yield Finding(
                    kind=flaw.kind,
                    company_id=company.company_id,
                    reason=f"dataset {dataset_id}: {flaw.reason}",
                )


def findings_of_deliveries(
    named: Iterable[tuple[str, str, str, str]],
) -> Iterator[Finding]:
    """Yield each delivery id that came with several bodies.

    `named` gives delivery id, digest of the body, company and sync.
    """
    bodies: dict[str, set[str]] = {}
    spoke_of: dict[str, set[tuple[str, str]]] = {}
    for delivery_id, digest, company_id, sync_id in named:
        bodies.setdefault(delivery_id, set()).add(digest)
        spoke_of.setdefault(delivery_id, set()).add((company_id, sync_id))
    for delivery_id, digests in bodies.items():
        if len(digests) < 2:
            continue
        names = ", ".join(f"sha256:{digest}" for digest in sorted(digests))
        for company_id, sync_id in spoke_of[delivery_id]:
            yield Finding(
                kind=FindingKind.SAME_ID_OTHER_BODY,
                company_id=company_id,
                sync_id=sync_id,
                reason=f"delivery {delivery_id} came with several bodies: {names}",
            )
