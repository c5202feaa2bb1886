"""The rows of the live views: what a table holds of an item, a sync, a dataset.

Live projection and replay make their rows here, so that a tie-out compares like with
like. The columns need no clock, except that `stuck_after` says when a deadline passes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, Final, NamedTuple, get_args, get_type_hints

import msgspec

from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import UNDECIDED_WORDS, BreakKind, ItemState
from reconcile.errors import StoreError
from reconcile.judgement.facts import (
    DatasetFacts,
    Decision,
    Expected,
    HookReport,
    ItemFacts,
    LegReport,
    MendedBy,
    RefusedRead,
    SyncFacts,
    Unsettled,
)
from reconcile.judgement.item import Item
from reconcile.judgement.sync_context import SyncContext
from reconcile.judgement.time_outs import read_again_at
from reconcile.projections.changes import NamedDelivery
from reconcile.projections.folds import NO_FACTS, CompanyFacts
from reconcile.projections.summaries import SyncSummary


class ItemRow(NamedTuple):
    """One expense in the table `items`; its key is company and transaction."""

    company_id: str
    transaction_id: str
    state: str
    kind: str | None
    reason: str
    cause: str | None
    owner: str | None
    fingerprint: str | None
    attempts: int
    expected: int
    broken_since: str | None
    verdict: str
    stuck_after: str | None
    stuck_kind: str | None
    undecided: str | None
    facts: bytes


class SyncRow(NamedTuple):
    """One sync in the table `syncs`; its key is company and sync."""

    company_id: str
    sync_id: str
    state: str
    status_code: int | None
    status: str | None
    listing: str
    expected: int
    reported: int
    promised: int | None
    seen: int | None
    requested_at: str | None
    ended_at: str | None
    complete_at: str | None
    facts: bytes
    context: bytes


class DatasetRow(NamedTuple):
    """One dataset in the table `datasets`; its key is company and dataset."""

    company_id: str
    dataset_id: str
    pushed_at: str | None
    transactions: int
    facts: bytes


class RefusedRow(NamedTuple):
    """What Codat refused to tell of one sync, "" for a company's list: `refused`."""

    company_id: str
    sync_id: str
    facts: bytes


class MendedRow(NamedTuple):
    """What people said is mended in a company: the table `mended`."""

    company_id: str
    fingerprint: str
    facts: bytes


class DeliveryRow(NamedTuple):
    """One body that came under a delivery's id, in the table `deliveries`."""

    delivery_id: str
    body_digest: str
    company_id: str
    sync_id: str


class Column(NamedTuple):
    """A column of a view table; each engine spells its kind in its own words."""

    name: str
    kind: type  # str, int or bytes
    null: bool


def columns_of(row: type[NamedTuple]) -> tuple[Column, ...]:
    """Return the columns of the table that a class of rows stands for."""
    found = []
    for name, hint in get_type_hints(row).items():
        kinds = get_args(hint) or (hint,)
        kind = next(kind for kind in kinds if kind is not NoneType)
        found.append(Column(name, kind, NoneType in kinds))
    return tuple(found)


ITEM_COLUMNS: Final = columns_of(ItemRow)
SYNC_COLUMNS: Final = columns_of(SyncRow)
DATASET_COLUMNS: Final = columns_of(DatasetRow)
REFUSED_COLUMNS: Final = columns_of(RefusedRow)
MENDED_COLUMNS: Final = columns_of(MendedRow)

Row = tuple[Any, ...]

encode: Final = msgspec.json.Encoder().encode


def _reader(kind: Any) -> Callable[[bytes], Any]:
    """Return what reads a column of facts; damage in it is the store's."""
    decode = msgspec.json.Decoder(kind).decode

    def read(packed: bytes) -> Any:
        try:
            return decode(packed)
        except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
            raise StoreError(f"a row of the views is damaged: {error}") from error

    return read


decode_any: Final = _reader(Any)
decode_sync: Final[Callable[[bytes], SyncFacts]] = _reader(SyncFacts)
decode_context: Final[Callable[[bytes], SyncContext]] = _reader(SyncContext)
decode_dataset: Final[Callable[[bytes], DatasetFacts]] = _reader(DatasetFacts)
decode_refused: Final[Callable[[bytes], tuple[RefusedRead, ...]]] = _reader(
    tuple[RefusedRead, ...]
)
decode_mended: Final[Callable[[bytes], tuple[MendedBy, ...]]] = _reader(
    tuple[MendedBy, ...]
)
decode_names: Final = msgspec.json.Decoder(tuple[str, ...]).decode


_Legs = tuple[str, datetime, int, tuple[tuple[str, str, str | None], ...]]
_Packed = tuple[
    tuple[_Legs, ...],
    tuple[HookReport, ...],
    tuple[Expected, ...],
    tuple[Unsettled, ...],
    tuple[Decision, ...],
]
_decode_packed: Final[Callable[[bytes], _Packed]] = _reader(_Packed)


def encode_item(legs: tuple[LegReport, ...], others: ItemFacts) -> bytes:
    """Return an item's facts as JSON: legs, hooks, expectations, writes, decisions.

    Legs stand under the read that reported them: sync, time, position, then type, word
    and message of each.
    """
    reads: list[tuple[str, datetime, int, list[tuple[str, str, str | None]]]] = []
    source: int | None = None
    for leg in legs:
        if leg.source != source:  # the position of a read is its own
            source = leg.source
            reads.append((leg.sync_id, leg.at, source, []))
        reads[-1][3].append((leg.integration_type, leg.word, leg.message))
    facts = (others.hooks, others.expected, others.unsettled, others.decisions)
    return encode((reads, *facts))


def decode_item(packed: bytes) -> ItemFacts:
    """Return the facts that a row holds."""
    legs, hooks, expected, unsettled, decisions = _decode_packed(packed)
    return ItemFacts(
        legs=tuple(
            [
                LegReport(sync_id, name, word, message, at, source)
                for sync_id, at, source, reported in legs
                for name, word, message in reported
            ]
        ),
        hooks=hooks,
        expected=expected,
        unsettled=unsettled,
        decisions=decisions,
    )


def item_columns(item: Item, legs: tuple[LegReport, ...]) -> Row:
    """Return what a row says of a judgement: all between its key and its facts."""
    undecided = syncs_undecided(item, legs)
    return (
        item.state.value,
        None if item.kind is None else item.kind.value,
        item.reason,
        item.cause,
        item.owner,
        item.fingerprint,
        item.attempts,
        int(item.expected),
        _instant(item.broken_since),
        item.verdict.value,
        _instant(item.changes_at),
        None if item.changes_to is None else item.changes_to.value,
        encode(undecided).decode() if undecided else None,
    )


def syncs_undecided(item: Item, legs: tuple[LegReport, ...]) -> list[str]:
    """Return the syncs to read again for an item's sake, sorted.

    Of a conflicting item, every sync that lists it; of an item that waits for a
    decision, those that listed it with a word that is none. Of a time-out, its own.
    """
    if item.kind is BreakKind.CONFLICTING:
        return sorted({leg.sync_id for leg in legs})
    if item.timed_out_in is not None and read_again_at(item, legs) is not None:
        return [item.timed_out_in]
    if item.state is not ItemState.OPEN and item.changes_at is None:
        return []
    return sorted({leg.sync_id for leg in legs if leg.word in UNDECIDED_WORDS})


class ItemRows(NamedTuple):
    """The rows of items that differ in nothing but their transaction id."""

    company_id: str
    transaction_ids: list[str]
    columns: Row  # all between the key and the facts
    facts: bytes

    def rows(self) -> Iterator[ItemRow]:
        """Yield them one by one."""
        for transaction_id in self.transaction_ids:
            yield ItemRow._make(
                (self.company_id, transaction_id, *self.columns, self.facts)
            )


def item_rows(
    company: CompanyFacts, transaction_ids: Sequence[str], items: Iterable[Item]
) -> list[ItemRows]:
    """Return the rows of some of a company's items as judged, alike ones together."""
    alike: dict[int, ItemRows] = {}
    for transaction_id, item in zip(transaction_ids, items, strict=True):
        group = alike.get(id(item))
        if group is None:
            legs = company.legs.get(transaction_id, ())
            others = company.others.get(transaction_id, NO_FACTS)
            facts = encode_item(legs, others)
            columns = item_columns(item, legs)
            group = ItemRows(company.company_id, [], columns, facts)
            alike[id(item)] = group
        group.transaction_ids.append(transaction_id)
    return list(alike.values())


def sync_row(summary: SyncSummary, facts: SyncFacts, context: SyncContext) -> SyncRow:
    """Return one sync's row."""
    return SyncRow(
        summary.company_id,
        summary.sync_id,
        summary.state,
        summary.status_code,
        summary.status,
        summary.listing,
        summary.expected,
        summary.reported,
        summary.promised,
        summary.seen,
        _instant(context.requested_at),
        _instant(context.ended_at),
        _instant(context.listing.complete_at),
        encode(facts),
        encode(context),
    )


def dataset_row(company_id: str, dataset_id: str, facts: DatasetFacts) -> DatasetRow:
    """Return one dataset's row."""
    named = {t for push in facts.pushes for t in push.transaction_ids}
    return DatasetRow(
        company_id,
        dataset_id,
        _instant(facts.pushed_at),
        len(named),
        encode(facts),
    )


def delivery_row(company_id: str, delivery: NamedDelivery) -> DeliveryRow:
    """Return the row of a delivery that named itself."""
    return DeliveryRow(
        delivery.delivery_id, delivery.body_digest, company_id, delivery.sync_id
    )


def is_of(sync_id: str | None, body_digest: str, row: DeliveryRow) -> bool:
    """Return whether a delivery brought these bytes, about this sync."""
    return row.sync_id == sync_id and row.body_digest == body_digest


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)


def refused_rows(company: CompanyFacts, sync_ids: Iterable[str]) -> list[RefusedRow]:
    """Return the rows of what Codat refused to tell of a company."""
    return [
        RefusedRow(company.company_id, name, encode(company.refused[name]))
        for name in sync_ids
    ]


def mended_rows(company: CompanyFacts, fingerprints: Iterable[str]) -> list[MendedRow]:
    """Return the rows of what people said is mended in a company."""
    return [
        MendedRow(company.company_id, name, encode(company.mended[name]))
        for name in fingerprints
    ]
