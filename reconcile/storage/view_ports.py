"""What a store offers of its views, whichever engine keeps it: read, and written."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import attrs

from reconcile.errors import StoreError
from reconcile.judgement.contents import Shown
from reconcile.projections.contents import ContentRow
from reconcile.projections.rows import (
    DatasetRow,
    DeliveryRow,
    ItemRow,
    ItemRows,
    MendedRow,
    RefusedRow,
    SyncRow,
)
from reconcile.storage.movable import StoredEvent


class OvertakenError(Exception):
    """Another projector was quicker: its rows stand, ours are not needed."""


def relabelled(path: str) -> StoreError:
    """Return the error of who would write rows into views made by other rules."""
    return StoreError(
        f"the views of {path} are made under other rules or deadlines meanwhile,"
        " expected the same of all who use a store"
    )


Unsettled = Literal["open", "conflicting"]
"""Why a sync is read again: an item of it waits for a decision, or sources disagree."""


class UnfinishedSync(NamedTuple):
    """A sync that is not read to its end, or has a row that is not settled.

    `facts` and `context` are encoded as in the table: a follower that looks often
    compares them, and decodes only what has changed.
    """

    company_id: str
    sync_id: str
    facts: bytes
    context: bytes
    unsettled: Unsettled | None


ViewTable = Literal["items", "contents", "syncs", "datasets", "refused", "mended"]
"""A view table that has a row for each thing of a company, and a column `facts`."""


Named = Mapping[str, Collection[str]]
"""Names by their company: of all companies together, so that all are asked for once."""


@attrs.define(kw_only=True)
class ViewChanges:
    """Everything that one batch of events writes to the views."""

    items: list[ItemRows] = attrs.field(factory=list)
    contents: list[ContentRow] = attrs.field(factory=list)
    syncs: list[SyncRow] = attrs.field(factory=list)
    datasets: list[DatasetRow] = attrs.field(factory=list)
    refused: list[RefusedRow] = attrs.field(factory=list)
    mended: list[MendedRow] = attrs.field(factory=list)
    deliveries: list[DeliveryRow] = attrs.field(factory=list)
    silenced: list[tuple[str, str, str]] = attrs.field(factory=list)  # deliveries
    gone: list[tuple[ViewTable, str, str]] = attrs.field(factory=list)  # by its key
    poisoned: list[tuple[int, str]] = attrs.field(factory=list)
    newest: datetime | None = None


class Snapshot(Protocol):
    """The views in one consistent read."""

    def position(self) -> int:
        """Return the position of the last event the views contain, 0 for none."""
        ...

    def is_even(self) -> bool:
        """Return whether the rows of all companies stand at one position.

        They do not while other projectors are ahead with the companies they have.
        """
        ...

    def newest(self) -> datetime | None:
        """Return the latest effective time of any fact in the views."""
        ...

    def poisoned(self) -> list[tuple[int, str]]:
        """Return the position of each event that cannot be read, and why not."""
        ...

    def deliveries(self) -> list[DeliveryRow]:
        """Return the deliveries whose id came with several bodies."""
        ...

    def companies(self, *tables: ViewTable) -> list[str]:
        """Return every company that has a row in any table, or in these, sorted."""
        ...

    def items(self, company_id: str) -> Iterator[ItemRow]:
        """Yield a company's items by their ids."""
        ...

    def contents(self, company_id: str) -> Iterator[ContentRow]:
        """Yield what a company's items say, and each sending, by their ids."""
        ...

    def shown(
        self, company_id: str, names: Collection[str] | None = None
    ) -> Iterator[tuple[str, Shown]]:
        """Yield what stands for each item, or for those that are named."""
        ...

    def contents_named(self, wanted: Named) -> Iterable[ContentRow]:
        """Return what those transactions say that have a row."""
        ...

    def written(self, transaction_ids: Iterable[str]) -> Iterable[tuple[str, str, str]]:
        """Return company, transaction and digest of those that are in any books."""
        ...

    def syncs(self, company_id: str) -> Iterator[SyncRow]:
        """Yield a company's syncs by their ids."""
        ...

    def datasets(self, company_id: str) -> Iterator[DatasetRow]:
        """Yield a company's datasets by their ids."""
        ...

    def refused(self, company_id: str | None = None) -> Iterator[RefusedRow]:
        """Yield what Codat refused to tell of a company, or of all, by sync."""
        ...

    def mended(self, company_id: str) -> Iterator[MendedRow]:
        """Yield what people said is mended in a company, by fingerprint."""
        ...

    def facts(
        self, table: ViewTable, wanted: Named
    ) -> Iterable[tuple[str, str, bytes]]:
        """Return company, name and encoded facts of those rows that exist."""
        ...

    def each_facts(
        self, table: ViewTable, company_id: str
    ) -> Iterator[tuple[str, bytes]]:
        """Yield name and encoded facts of each of a company's rows, by name."""
        ...

    def contexts(self, wanted: Named) -> Iterable[tuple[str, str, bytes]]:
        """Return company, name and encoded context of those syncs that have a row."""
        ...

    def unfinished_syncs(self, *, now: datetime) -> Iterator[UnfinishedSync]:
        """Yield every sync that a follower may have to read again: not read by now."""
        ...


class Views(Protocol):
    """The views of one store, as the projector writes them."""

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views unless they were made under this label.

        The label names ruleset and deadlines; the engine adds its tables' version.
        """
        ...

    def claim(self, *, until: int) -> AbstractContextManager["Claim | None"]:
        """Give events up to a position that are to be folded, and are ours to fold.

        None: all are folded, by whomever.

        Raises:
            OvertakenError: the claim was taken from us, so nothing of it is written.
            StoreError: others have begun the views anew under another label, since
                `begin_anew_unless` was told ours.

        """
        ...


class Claim(Protocol):
    """Some events to be folded, which nobody else folds meanwhile, or in vain."""

    @property
    def stored(self) -> Sequence[StoredEvent]:
        """Return the events, in order."""
        ...

    def reading(self) -> AbstractContextManager[Snapshot]:
        """Give the views as they stand before the events that are not yet written."""
        ...

    def write(self, changes: ViewChanges, *, position: int) -> None:
        """Write the rows of events up to a position, and that position, at once.

        Raises:
            OvertakenError: somebody else has written them meanwhile.

        """
        ...
