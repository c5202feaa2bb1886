"""An export read as a replay reads a store: company by company, in order of position.

A file's digest is checked before the first event of it is read. A row group is read at
a time, so memory does not grow with the history.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import attrs

from reconcile.domain.events import Recorded
from reconcile.errors import UsageError
from reconcile.storage.codec import Codec
from reconcile.storage.evidence import moment_of
from reconcile.storage.exports.arrow import COLUMNS, arrow, events_in
from reconcile.storage.exports.manifest import ExportFile, ExportManifest, check_digest
from reconcile.storage.ports import StoredEvent


@attrs.define
class ExportedEvents:
    """The events of a whole export. Close it, or use it in a `with`."""

    folder: Path
    manifest: ExportManifest
    _codec: Codec = attrs.field(factory=Codec, init=False)
    _files: dict[str, Any] = attrs.field(factory=dict, init=False)
    _group: tuple[str, int, Any] | None = attrs.field(default=None, init=False)

    @classmethod
    def open(cls, folder: str | Path, *, digest: str = "") -> Self:
        """Return the export in a folder; with a digest, that whose manifest has it.

        Raises:
            UsageError: there is no whole export, a file was changed, or Arrow is not
                installed.

        """
        path = Path(folder).absolute()
        manifest = ExportManifest.read(path)
        if digest and manifest.digest != digest:
            raise UsageError(f"{path} was exported anew meanwhile, expected one export")
        manifest.check_files(path)
        arrow()
        return cls(path, manifest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._group = None

    def position(self, *, known_at: datetime | None = None) -> int:
        """Return the last position, or that of the longest prefix known by a moment."""
        later = None if known_at is None else self._first_later(known_at)
        return self.manifest.position if later is None else later - 1

    def companies(self) -> list[str]:
        """Return every company that has an event, sorted; "" for events of none."""
        found: set[str] = set()
        for file in self.manifest.files:
            opened = self._opened(file)
            for number in range(opened.num_row_groups):
                column = opened.read_row_group(
                    number, columns=["company_id"], use_threads=False
                ).column(0)
                found.update(column.unique().to_pylist())
        return sorted(found)

    def events_of(self, company_id: str, *, until: int) -> Iterator[StoredEvent]:
        """Yield a company's stored events up to a position, in order."""
        pa, _ = arrow()
        names = [file.last_company for file in self.manifest.files]
        place = bisect_left(names, company_id)
        if place == len(names):
            return
        file = self.manifest.files[place]
        for number in self._groups_with(file, company_id):
            table = self._read(file, number)
            mask = pa.compute.and_(
                pa.compute.equal(table.column("company_id"), company_id),
                pa.compute.less_equal(table.column("position"), until),
            )
            yield from events_in(table.filter(mask))

    def recorded(self, stored: StoredEvent) -> Recorded:
        """Return a stored event, decoded, in its envelope.

        Raises:
            HistoryError: the event cannot be decoded.

        """
        return Recorded(
            stream=stored.stream,
            version=stored.version,
            position=stored.position,
            recorded_at=moment_of(stored.recorded_at),
            event=self._codec.decode(stored.topic, stored.state),
        )

    def _first_later(self, moment: datetime) -> int | None:
        """Return the first position that was recorded after a moment."""
        pa, _ = arrow()
        after = pa.scalar(moment, type=pa.timestamp("us", "UTC"))
        first: int | None = None
        for file in self.manifest.files:
            opened = self._opened(file)
            for number in range(opened.num_row_groups):
                columns = ["position", "recorded_at"]
                table = opened.read_row_group(
                    number, columns=columns, use_threads=False
                )
                is_later = pa.compute.greater(table.column("recorded_at"), after)
                positions = table.column("position").filter(is_later)
                if len(positions):
                    least = pa.compute.min(positions).as_py()
                    first = least if first is None else min(first, least)
        return first

    def _groups_with(self, file: ExportFile, company_id: str) -> Iterator[int]:
        """Yield the row groups that may hold a company, by what each says it holds."""
        opened = self._opened(file)
        for number in range(opened.num_row_groups):
            known = opened.metadata.row_group(number).column(0).statistics
            if (
                known is None
                or not known.has_min_max
                or known.min <= company_id <= known.max
            ):
                yield number

    def _read(self, file: ExportFile, number: int) -> Any:
        """Return a row group; the last one is remembered: small companies share it."""
        if self._group is None or self._group[:2] != (file.name, number):
            table = self._opened(file).read_row_group(number, use_threads=False)
            self._group = file.name, number, table
        return self._group[2]

    def _opened(self, file: ExportFile) -> Any:
        opened = self._files.get(file.name)
        if opened is None:
            pa, parquet = arrow()
            path = check_digest(self.folder, file)
            try:
                opened = parquet.ParquetFile(path)
            except pa.ArrowException as error:
                raise UsageError(f"{path} is not a Parquet file: {error}") from error
            if tuple(opened.schema_arrow.names) != COLUMNS:
                opened.close()
                raise UsageError(
                    f"{path} has other columns, expected {', '.join(COLUMNS)}"
                )
            self._files[file.name] = opened
        return opened
