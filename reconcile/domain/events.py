"""The events of the history: what was seen, in Codat's words, never what it means.

An event is payload only; its stream, version, position and time of recording are the
envelope, `Recorded`. `TOPIC` and the field names are stored for ever: change by adding.
`evidence` is the SHA-256 (hex) identity of the exchange or delivery behind the event.
"""

from datetime import datetime
from typing import ClassVar, get_args

import attrs

from reconcile.domain.case_events import CaseEvent, DecisionEvent
from reconcile.domain.observations import ExpectedTransaction, Flaw
from reconcile.domain.retry_events import RetryEvent
from reconcile.domain.rows import Groups
from reconcile.domain.vocabulary import NoticeKind


@attrs.frozen(kw_only=True)
class DatasetPushed:
    """A v1 dataset was accepted: the transactions we expect to see in its sync."""

    TOPIC: ClassVar[str] = "dataset.pushed"

    transactions: tuple[ExpectedTransaction, ...]
    whole: bool
    request_id: str | None = None  # of our intent, where the push carried one
    at: datetime
    evidence: str
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class SyncRequested:
    """We mean to have Codat write: stored before the call, so no crash can hide it."""

    TOPIC: ClassVar[str] = "request.requested"

    operation: str
    dataset_ids: tuple[str, ...]
    transactions: tuple[ExpectedTransaction, ...]
    actor: str
    at: datetime
    evidence: str = ""  # there is none: nothing has been said yet


@attrs.frozen(kw_only=True)
class SyncRecovered:
    """The sync of a request whose answer was lost was found: it had arrived."""

    TOPIC: ClassVar[str] = "request.recovered"

    sync_id: str
    operation: str
    dataset_ids: tuple[str, ...]
    transactions: tuple[ExpectedTransaction, ...]
    requested_at: datetime
    at: datetime
    evidence: str = ""


@attrs.frozen(kw_only=True)
class SyncAbandoned:
    """A person decided that nothing came of a request whose answer is not known."""

    TOPIC: ClassVar[str] = "request.abandoned"

    operation: str
    dataset_ids: tuple[str, ...]
    transactions: tuple[ExpectedTransaction, ...]
    actor: str
    reason: str
    at: datetime
    evidence: str = ""


@attrs.frozen(kw_only=True)
class LockTaken:
    """A request took its company's turn, where syncs exclude each other."""

    TOPIC: ClassVar[str] = "request.turn-taken"

    request_id: str
    at: datetime
    evidence: str = ""


@attrs.frozen(kw_only=True)
class _Unsettled:
    """What is common to writes without an accepting answer."""

    operation: str
    http_status: int
    words: str | None
    dataset_ids: tuple[str, ...]
    transactions: tuple[ExpectedTransaction, ...]
    at: datetime
    evidence: str


@attrs.frozen(kw_only=True)
class SyncRefused(_Unsettled):
    """A write was refused (4xx, not 408 or 429), with Codat's words."""

    TOPIC: ClassVar[str] = "request.refused"


@attrs.frozen(kw_only=True)
class SyncAnswerLost(_Unsettled):
    """A write's answer was lost: it may or may not have arrived."""

    TOPIC: ClassVar[str] = "request.answer-lost"


@attrs.frozen(kw_only=True)
class SyncThrottled(_Unsettled):
    """A write was turned away by the rate limit (429): it did not happen."""

    TOPIC: ClassVar[str] = "request.throttled"

    not_before: datetime | None = None  # what its Retry-After says


@attrs.frozen(kw_only=True)
class SyncUnsent(_Unsettled):
    """It is certain that the call never reached Codat: nothing came of it."""

    TOPIC: ClassVar[str] = "request.unsent"


@attrs.frozen(kw_only=True)
class SyncInitiated:
    """A sync exists because of a write of ours that was accepted."""

    TOPIC: ClassVar[str] = "sync.initiated"

    operation: str
    dataset_ids: tuple[str, ...]
    transactions: tuple[ExpectedTransaction, ...]
    whole: bool
    request_id: str | None = None  # of our intent, where the write carried one
    at: datetime
    evidence: str
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class _SyncReport:
    """What is common to reports about a sync as a whole.

    `notice` is None for a status read. `delivery`, `delivery_id`, `body_digest` and
    `dated` are a webhook's: see `WebhookNotice`.
    """

    code: int | str | None = None
    status: str | None = None
    error_message: str | None = None
    exception_message: str | None = None
    sync_utc: str | None = None
    data_pushed: bool | None = None
    notice: NoticeKind | None = None
    delivery: str | None = None
    delivery_id: str | None = None
    body_digest: str | None = None
    dated: bool = True
    at: datetime
    evidence: str
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class SyncStarted(_SyncReport):
    """A status or a webhook said that the sync runs."""

    TOPIC: ClassVar[str] = "sync.started"


@attrs.frozen(kw_only=True)
class SyncCompleted(_SyncReport):
    """A status or a webhook said that the sync ended well."""

    TOPIC: ClassVar[str] = "sync.completed"


@attrs.frozen(kw_only=True)
class SyncFailed(_SyncReport):
    """A status or a webhook said that the sync failed; some items may be written."""

    TOPIC: ClassVar[str] = "sync.failed"


@attrs.frozen(kw_only=True)
class SyncUnrecognised(_SyncReport):
    """A status or a webhook used a code or an event type we do not know."""

    TOPIC: ClassVar[str] = "sync.unrecognised"


@attrs.frozen(kw_only=True)
class LegsReported:
    """What one response or webhook said of a sync's legs, in Codat's own words.

    `origin` is "page", "transaction" or "webhook"; a webhook's rows name no leg.
    `groups` holds the rows, those of transactions that say the same together.
    """

    TOPIC: ClassVar[str] = "sync.legs-reported.2"

    origin: str
    page: int | None = None
    page_size: int | None = None
    total: int | None = None
    groups: Groups
    rows_digest: str
    unread: int = 0
    delivery: str | None = None
    dated: bool = True
    at: datetime
    evidence: str
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class LegsReread:
    """The same rows as an earlier event of this stream, `same_as`, at another time."""

    TOPIC: ClassVar[str] = "sync.legs-reread"

    same_as: int  # the version of the LegsReported that holds the rows
    origin: str
    page: int | None = None
    page_size: int | None = None
    total: int | None = None
    unread: int = 0
    delivery: str | None = None
    dated: bool = True
    at: datetime
    evidence: str
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class SyncGivenUp:
    """A follower reads a sync no more: since a moment it was read in vain."""

    TOPIC: ClassVar[str] = "sync.given-up"

    since: datetime
    at: datetime
    evidence: str = ""  # there is none: nothing more was said


@attrs.frozen(kw_only=True)
class DeliverySetAside:
    """A person decided that what a webhook said is to be left out.

    `deliveries` are the facts that came of its bytes; `digest` is their SHA-256,
    in hex. A later delivery of the same bytes says nothing either.
    """

    TOPIC: ClassVar[str] = "sync.delivery-set-aside"

    deliveries: tuple[str, ...]
    digest: str
    transaction_ids: tuple[str, ...]  # which it named
    actor: str
    reason: str
    at: datetime
    evidence: str = ""


@attrs.frozen(kw_only=True)
class ReadRefused:
    """Codat refused to tell of a sync; without `sync_id`, of a company's syncs."""

    TOPIC: ClassVar[str] = "read.refused"

    sync_id: str
    rows: bool  # a page of transactions was asked for, not a status
    http_status: int
    words: str | None
    at: datetime
    evidence: str


@attrs.frozen(kw_only=True)
class ReadAnswered:
    """Codat listed a company's syncs, which it had refused before."""

    TOPIC: ClassVar[str] = "read.answered"

    at: datetime
    evidence: str


DatasetEvent = DatasetPushed
UnsettledEvent = SyncRefused | SyncAnswerLost | SyncThrottled | SyncUnsent
RequestEvent = (
    SyncRequested | SyncRecovered | SyncAbandoned | LockTaken | UnsettledEvent
)
SyncReportEvent = SyncStarted | SyncCompleted | SyncFailed | SyncUnrecognised
SyncEvent = (
    SyncInitiated
    | SyncReportEvent
    | LegsReported
    | LegsReread
    | SyncGivenUp
    | DeliverySetAside
)
ReadEvent = ReadRefused | ReadAnswered
Event = (
    DatasetEvent
    | RequestEvent
    | SyncEvent
    | ReadEvent
    | CaseEvent
    | DecisionEvent
    | RetryEvent
)

EVENT_TYPES: tuple[type[Event], ...] = get_args(Event)


@attrs.frozen(kw_only=True)
class Recorded:
    """An event in its envelope."""

    stream: str
    version: int  # from 1, within the stream
    position: int  # from 1, over the whole history, without reuse
    recorded_at: datetime
    event: Event
