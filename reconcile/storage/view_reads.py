"""What every engine's reads of the views have in common: rows by company, as values."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TypeVar

from reconcile.projections.contents import ContentRow
from reconcile.projections.rows import (
    DatasetRow,
    ItemRow,
    MendedRow,
    RefusedRow,
    SyncRow,
    decode_names,
)
from reconcile.storage.ports import Unsettled, ViewTable

CompanyRow = TypeVar(
    "CompanyRow", ItemRow, ContentRow, SyncRow, DatasetRow, RefusedRow, MendedRow
)


class CompanyRows(ABC):
    """The part of a snapshot that gives a company's rows, each table by its key."""

    @abstractmethod
    def _rows(
        self, row: type[CompanyRow], table: ViewTable, company_id: str
    ) -> Iterator[CompanyRow]: ...

    @abstractmethod
    def _all_refused(self) -> Iterator[RefusedRow]: ...

    def items(self, company_id: str) -> Iterator[ItemRow]:
        """Yield a company's items by their ids."""
        return self._rows(ItemRow, "items", company_id)

    def contents(self, company_id: str) -> Iterator[ContentRow]:
        """Yield what a company's items say, and each sending, by their ids."""
        return self._rows(ContentRow, "contents", company_id)

    def syncs(self, company_id: str) -> Iterator[SyncRow]:
        """Yield a company's syncs by their ids."""
        return self._rows(SyncRow, "syncs", company_id)

    def datasets(self, company_id: str) -> Iterator[DatasetRow]:
        """Yield a company's datasets by their ids."""
        return self._rows(DatasetRow, "datasets", company_id)

    def refused(self, company_id: str | None = None) -> Iterator[RefusedRow]:
        """Yield what Codat refused to tell of a company, or of all, by sync."""
        if company_id is None:
            return self._all_refused()
        return self._rows(RefusedRow, "refused", company_id)

    def mended(self, company_id: str) -> Iterator[MendedRow]:
        """Yield what people said is mended in a company, by fingerprint."""
        return self._rows(MendedRow, "mended", company_id)


def unsettled_syncs(
    undecided: Iterable[tuple[str, str, bool]],
) -> dict[str, dict[str, Unsettled]]:
    """Return the syncs to read again for an item's sake, by their company.

    `undecided` are companies, an item's syncs as encoded, and whether its sources
    disagree. Where one of a sync's items waits for a decision it is "open", whatever
    others do.
    """
    found: dict[str, dict[str, Unsettled]] = {}
    for company_id, names, conflicting in undecided:
        syncs = found.setdefault(company_id, {})
        for sync_id in decode_names(names):
            if not conflicting:
                syncs[sync_id] = "open"
            else:
                syncs.setdefault(sync_id, "conflicting")
    return found
