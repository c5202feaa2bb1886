"""A sync as judgement sees it: when it was requested, ended, listed, declared.

Every answer is a moment or a step function of time, so that one survey of the facts
serves every `as_of`. Rules: `docs/explanation/judgement.md`, sections 5 to 7.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import attrs

from reconcile.domain.vocabulary import (
    NOTICE_CLASS,
    CodeClass,
    NoticeKind,
    code_class,
)
from reconcile.judgement.facts import (
    DatasetFacts,
    FlawSeen,
    Initiation,
    SyncFacts,
    SyncReport,
)
from reconcile.judgement.listing import KeysOf, Listing, survey_listing


class Code(NamedTuple):
    """A sync's status code as one read gave it."""

    code: int | str
    code_class: CodeClass
    status: str | None
    words: tuple[str, ...]
    at: datetime


class Notice(NamedTuple):
    """One webhook about the sync as a whole, at its earliest receipt."""

    kind: NoticeKind
    event_type: str
    at: datetime


@attrs.frozen(kw_only=True)
class SyncContext:
    """What judgement needs of one sync; None: not known."""

    sync_id: str
    operations: tuple[tuple[datetime, str], ...] = ()  # of the writes it came from
    requested_at: datetime | None = None
    first_seen: datetime | None = None
    codes: tuple[Code, ...] = ()  # each change, by time; at equal times the worst last
    notices: tuple[Notice, ...] = ()  # by time
    ended_at: datetime | None = None
    successful_at: datetime | None = None
    rows_from: datetime | None = None
    declared: tuple[tuple[datetime, bool], ...] = ()  # each change, by time
    listing: Listing = attrs.field(factory=Listing)
    flaws: tuple[FlawSeen, ...] = attrs.field(default=(), eq=False)

    def code_at(self, at: datetime) -> Code | None:
        """Return the current code: the latest terminal one, else the latest read."""
        read = [code for code in self.codes if code.at <= at]
        for code in reversed(read):
            if code.code_class in _TERMINAL:
                return code
        return read[-1] if read else None

    def failed_at(self, at: datetime) -> bool:
        """Return whether the sync failed, by its code, or without one by a webhook."""
        code = self.code_at(at)
        if code is not None and code.code_class in _TERMINAL:
            return code.code_class is CodeClass.FAILED
        return any(
            notice.at <= at and NOTICE_CLASS[notice.kind] is CodeClass.FAILED
            for notice in self.notices
        )

    def operation_at(self, at: datetime) -> str | None:
        """Return the kind of write the sync came from; of several, one by name."""
        return min(
            (name for known, name in self.operations if known <= at), default=None
        )

    def declared_at(self, at: datetime) -> bool:
        """Return whether the content of everything the sync names is known."""
        steps = [declared for moment, declared in self.declared if moment <= at]
        return bool(steps) and steps[-1]

    def order(self, at: datetime) -> datetime | None:
        """Return the time by which attempts are ordered, None before any evidence."""
        if self.requested_at is not None and self.requested_at <= at:
            return self.requested_at
        if self.first_seen is not None and self.first_seen <= at:
            return self.first_seen
        return None

    def moments(self) -> Iterable[datetime]:
        """Yield every moment at which something in this context turns."""
        yield from (
            moment
            for moment in (
                self.requested_at,
                self.first_seen,
                self.ended_at,
                self.successful_at,
                self.rows_from,
                self.listing.complete_at,
            )
            if moment is not None
        )
        yield from (code.at for code in self.codes)
        yield from (moment for moment, _ in self.declared)
        yield from (n.at for n in self.notices if n.kind in _FAILING)


_TERMINAL = (CodeClass.ENDED_WELL, CodeClass.FAILED)
_FAILING = (NoticeKind.FAILED, NoticeKind.UNSUCCESSFUL)
_WORSE_LAST = {
    CodeClass.IN_PROGRESS: 0,
    CodeClass.ENDED_WELL: 1,
    CodeClass.FAILED: 2,
    CodeClass.UNRECOGNISED: 3,
}


def survey(
    sync_id: str,
    facts: SyncFacts,
    *,
    datasets: Mapping[str, DatasetFacts],
    keys_of: KeysOf,
) -> SyncContext:
    """Return the sync as judgement sees it; `datasets` are those of its company."""
    codes = [
        Code(r.code, code_class(r.code), r.status, r.words, r.at)
        for r in facts.reports
        if r.notice is None and r.code is not None
    ]
    codes.sort(key=_code_order)
    notices = _notices(facts.reports)
    ended_at = min(
        [code.at for code in codes if code.code_class in _TERMINAL]
        + [n.at for n in notices if NOTICE_CLASS[n.kind] in _TERMINAL],
        default=None,
    )
    rows_from = min((r.at for r in facts.readings if r.rows), default=None)
    initiated = [i.at for i in facts.initiations]
    reported = [r.at for r in facts.reports]
    seen = [*initiated, *reported, *(r.at for r in facts.readings)]
    return SyncContext(
        sync_id=sync_id,
        operations=tuple(sorted({(i.at, i.operation) for i in facts.initiations})),
        requested_at=min(initiated, default=None),
        first_seen=min(seen, default=None),
        codes=_steps(codes),
        notices=notices,
        ended_at=ended_at,
        successful_at=min(
            (n.at for n in notices if n.kind is NoticeKind.SUCCESSFUL), default=None
        ),
        rows_from=rows_from,
        declared=_declared(facts, datasets),
        listing=survey_listing(facts.readings, ended_at=ended_at, keys_of=keys_of),
        flaws=facts.flaws,
    )


def _code_order(code: Code) -> tuple[datetime, int, str, str, tuple[str, ...]]:
    words = (code.status or "", code.words)
    return code.at, _WORSE_LAST[code.code_class], str(code.code), *words


def _steps(codes: Iterable[Code]) -> tuple[Code, ...]:
    """Return the reads at which the code or its words changed."""
    steps: list[Code] = []
    for code in codes:
        if not steps or steps[-1][:4] != code[:4]:
            steps.append(code)
    return tuple(steps)


def _notices(reports: Iterable[SyncReport]) -> tuple[Notice, ...]:
    """Return each delivery once, at its earliest receipt."""
    earliest: dict[str, Notice] = {}
    for report in reports:
        if report.notice is None or report.delivery is None:
            continue
        notice = Notice(report.notice, report.status or "", report.at)
        known = earliest.get(report.delivery)
        if known is None or notice.at < known.at:
            earliest[report.delivery] = notice
    return tuple(sorted(earliest.values(), key=lambda n: (n.at, n.kind, n.event_type)))


def _declared(
    facts: SyncFacts, datasets: Mapping[str, DatasetFacts]
) -> tuple[tuple[datetime, bool], ...]:
    """Return when the content of everything the sync names became known, or ceased to.

    It ceases when a later write names the same sync and something unknown.
    """
    known = [(i.at, _known_from(i, datasets)) for i in facts.initiations]
    turns = {at for at, _ in known} | {since for _, since in known if since is not None}
    steps: list[tuple[datetime, bool]] = []
    for moment in sorted(turns):
        declared = all(
            since is not None and since <= moment for at, since in known if at <= moment
        )
        if declared != (bool(steps) and steps[-1][1]):
            steps.append((moment, declared))
    return tuple(steps)


def _known_from(
    initiation: Initiation, datasets: Mapping[str, DatasetFacts]
) -> datetime | None:
    """Return since when the content of what a write names is known."""
    if not initiation.whole:
        return None
    moments = [initiation.at]
    for dataset_id in initiation.dataset_ids:
        facts = datasets.get(dataset_id)
        whole = [push.at for push in facts.pushes if push.whole] if facts else []
        if not whole:
            return None
        moments.append(min(whole))
    return max(moments)
