"""Observations: what was read in one exchange or delivery, not yet judged.

The reader (`codat/payloads.py`) makes them; decide turns what is news into events.
"""

from datetime import datetime

import attrs

from reconcile.domain.vocabulary import FindingKind, NoticeKind, RequestOutcome

LegRow = tuple[str, str, str | None, str | None]
"""One row of a page or a webhook: transaction id, status word, integration type as
Codat spells it (None where it gives none), message. A plain tuple: a page is read at
millions of rows a minute, and building an object a row costs more than reading it."""


@attrs.frozen(kw_only=True)
class Flaw:
    """Something in a body that could not be read, or that contradicts its address."""

    kind: FindingKind
    reason: str
    transaction_id: str | None = None


@attrs.frozen(kw_only=True)
class ExpectedTransaction:
    """One expense as we sent it; amounts in the currency's unit, exact."""

    transaction_id: str
    kind: str | None = None
    amount: str | None = None  # a decimal's text: events hold nothing that rounds
    currency: str | None = None
    issue_date: str | None = None
    merchant: str | None = None
    reference: str | None = None
    digest: str = ""  # SHA-256 (hex) of the item's JSON, keys sorted


@attrs.frozen(kw_only=True)
class DatasetReceipt:
    """A v1 push that was accepted: these transactions form this dataset."""

    company_id: str
    dataset_id: str
    transactions: tuple[ExpectedTransaction, ...]
    whole: bool  # False where an item of the request could not be read
    request_id: str | None = None  # of our intent, where the push carried one
    at: datetime
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class SyncReceipt:
    """A write that was accepted and named its sync.

    `dataset_ids` for `POST …/syncs`; `transactions` for a create or an update call.
    """

    company_id: str
    sync_id: str
    operation: str  # "syncs", "create", "update" or "put" (creates or updates)
    dataset_ids: tuple[str, ...] = ()
    transactions: tuple[ExpectedTransaction, ...] = ()
    whole: bool = True
    request_id: str | None = None  # of our intent, where the write carried one
    at: datetime
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class WriteUnsettled:
    """A write without an accepting answer.

    It was refused, lost, throttled (429), or sent on elsewhere (3xx) and so not done.
    """

    company_id: str
    request_id: str  # of our intent, or the identity of the exchange
    outcome: RequestOutcome  # refused, lost, throttled or unsent
    operation: str  # as of a receipt, or "push"
    dataset_ids: tuple[str, ...] = ()
    transactions: tuple[ExpectedTransaction, ...] = ()
    http_status: int
    words: str | None = None
    at: datetime
    not_before: datetime | None = None  # of one that was throttled


@attrs.frozen(kw_only=True)
class StatusReport:
    """One sync's status as the status endpoint gave it."""

    company_id: str
    sync_id: str
    code: int | str | None  # text where it is no number
    status: str | None
    error_message: str | None = None
    exception_message: str | None = None
    sync_utc: str | None = None  # Codat's text, all seven digits; orders nothing
    data_pushed: bool | None = None
    at: datetime
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class TransactionPage:
    """One page of a sync's transactions, or one transaction's rows (`page` None).

    `page_size` and `total` are Codat's figures, None where absent or absurd;
    `unread` counts rows that could not be read; `rows_digest` is the SHA-256 (hex) of
    the rows, by which the same rows are known again.
    """

    company_id: str
    sync_id: str
    page: int | None
    page_size: int | None = None
    total: int | None = None
    rows: tuple[LegRow, ...]
    rows_digest: str
    unread: int = 0
    at: datetime
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class WebhookNotice:
    """What one delivery says of one sync, and of its transactions where it lists them.

    `at` is the effective time. `dated` is False when it is only our own moment of
    receipt: such a word never outranks a read.
    """

    company_id: str
    sync_id: str
    kind: NoticeKind
    event_type: str  # Codat's word
    message: str | None = None
    delivery: str  # the fact's identity: one id and one body
    delivery_id: str | None  # the `webhook-id` or `svix-id` header
    body_digest: str
    rows: tuple[LegRow, ...] = ()
    rows_digest: str = ""
    unread: int = 0
    at: datetime
    dated: bool
    flaws: tuple[Flaw, ...] = ()


@attrs.frozen(kw_only=True)
class RefusedAnswer:
    """Codat refused to tell of a sync, or, without a `sync_id`, of a company's syncs.

    `rows` says that a page of its transactions was asked for, not its status.
    """

    company_id: str
    sync_id: str
    rows: bool
    http_status: int
    words: str | None
    at: datetime


@attrs.frozen(kw_only=True)
class ListAnswer:
    """Codat listed a company's syncs: it knows the company."""

    company_id: str
    at: datetime


Observation = (
    DatasetReceipt
    | SyncReceipt
    | WriteUnsettled
    | StatusReport
    | TransactionPage
    | WebhookNotice
    | RefusedAnswer
    | ListAnswer
)
