"""A whole history written as Parquet, company after company, into a folder of its own.

The files are made in a folder beside, which takes the place of the old one at the end:
an export that was killed leaves nothing under the name that looks whole.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import attrs

from reconcile.errors import UsageError
from reconcile.storage.exports.arrow import COLUMNS, arrow, schema, table_of
from reconcile.storage.exports.manifest import NAME, SCHEMA, ExportFile, ExportManifest
from reconcile.storage.ports import Store, StoredEvent

FILE_BYTES: Final = 256 * 2**20
"""A file with so many bytes of payloads is full; a company is never divided."""
_GROUP_BYTES: Final = 8 * 2**20
_GROUP_EVENTS: Final = 20_000


def export_to(
    store: Store,
    folder: Path,
    *,
    file_bytes: int = FILE_BYTES,
    progress: Callable[[int], None] = lambda _: None,
) -> ExportManifest:
    """Write every event there is now to a folder; return what was written.

    Raises:
        UsageError: the folder cannot be written, or holds anything else than an older
            export; or Arrow is not installed.

    """
    arrow()
    target = checked_folder(folder)
    until = store.position()
    companies = 0
    with _beside(target) as beside, _Files(beside, file_bytes) as files:
        for company_id in store.companies():
            positions = store.positions_of(company_id, until=until)
            companies += bool(company_id and positions)
            for stored in store.stored_at(positions):
                files.add(company_id, stored)
                progress(files.events)
        manifest = ExportManifest(
            schema=SCHEMA,
            position=until,
            events=files.events,
            companies=companies,
            columns=COLUMNS,
            files=tuple(files.close()),
        )
        content = manifest.encoded()
        with _created(beside / NAME) as file:
            file.write(content)
        _put_in_place(beside, target)
    return attrs.evolve(manifest, digest=hashlib.sha256(content).hexdigest())


def checked_folder(folder: Path) -> Path:
    """Return where an export goes, links resolved, before any work is done for it.

    Raises:
        UsageError: something else is there, or the folder cannot be made.

    """
    try:
        target = Path(os.path.realpath(folder))
        parent = target.parent
        if not parent.is_dir():
            raise UsageError(f"DIR: {folder} cannot be made: its folder does not exist")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise UsageError(
                f"DIR: {folder} cannot be made: its folder cannot be written"
            )
        if not target.exists():
            return target
        names = {entry.name for entry in target.iterdir()}
    except NotADirectoryError as error:
        raise UsageError(
            f"DIR: {folder} is a file, expected a folder or a name for one"
        ) from error
    except (OSError, ValueError) as error:
        message = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"DIR: {folder!s:.200} cannot be used: {message}") from error
    if names:
        _check_is_export(folder, target, names)
    return target


def _check_is_export(folder: Path, target: Path, names: set[str]) -> None:
    """Refuse a folder with anything that an older, whole export did not write."""
    expected = "expected an empty folder, a new one, or one with an older whole export"
    try:
        manifest = ExportManifest.read(target)
        manifest.check_files(target)
    except UsageError as error:
        raise UsageError(f"DIR: {folder} is not empty: {error}; {expected}") from error
    others = sorted(names - {NAME} - {file.name for file in manifest.files})
    if others:
        raise UsageError(f"DIR: {folder} holds {others[0]!r} too, {expected}")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a folder beside the target, its owner's alone; nothing of it is left."""
    beside = target.with_name(f".{target.name}-{secrets.token_hex(8)}.tmp")
    try:
        beside.mkdir(mode=0o700)
        yield beside
    except OSError as error:
        raise UsageError(
            f"DIR: {target} cannot be written: {error.strerror or error}"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(beside: Path, target: Path) -> None:
    """Give a folder the name of another, which is gone at the end."""
    _sync(beside)
    checked_folder(target)  # somebody may have put something there meanwhile
    old = beside.with_suffix(".old")
    is_there = target.exists()
    if is_there:
        target.rename(old)
    try:
        beside.rename(target)
    except OSError:
        if is_there:
            old.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


class _Files:
    """The files of an export while they are written: one is open at a time."""

    def __init__(self, folder: Path, file_bytes: int) -> None:
        self.events = 0
        self._folder = folder
        self._file_bytes = file_bytes
        self._done: list[ExportFile] = []
        self._open: _File | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._open is not None:
            self._open.close()

    def add(self, company_id: str, stored: StoredEvent) -> None:
        """Add an event; companies come one after another, sorted."""
        if self._open is not None and self._open.is_full(company_id, self._file_bytes):
            self._end()
        if self._open is None:
            name = f"events-{len(self._done):05}.parquet"
            self._open = _File(self._folder / name, company_id)
        self._open.add(company_id, stored)
        self.events += 1

    def close(self) -> list[ExportFile]:
        """Write what is left; return every file."""
        self._end()
        return self._done

    def _end(self) -> None:
        if self._open is not None:
            self._done.append(self._open.end())
            self._open = None


class _File:
    """One file while it is written, a row group at a time."""

    def __init__(self, path: Path, company_id: str) -> None:
        _, parquet = arrow()
        self._path = path
        self._stream = _created(path)
        self._writer = parquet.ParquetWriter(
            self._stream, schema(), compression="zstd", write_statistics=True
        )
        self._rows: list[tuple[str, StoredEvent]] = []
        self._row_bytes = 0
        self._bytes = 0
        self._events = 0
        self._first = self._last = company_id

    def is_full(self, company_id: str, file_bytes: int) -> bool:
        """Return whether a company's events are for the next file."""
        return company_id != self._last and self._bytes >= file_bytes

    def add(self, company_id: str, stored: StoredEvent) -> None:
        """Add an event."""
        self._rows.append((company_id, stored))
        self._last = company_id
        self._row_bytes += len(stored.state)
        self._bytes += len(stored.state)
        self._events += 1
        if self._row_bytes >= _GROUP_BYTES or len(self._rows) >= _GROUP_EVENTS:
            self._flush()

    def end(self) -> ExportFile:
        """Write what is left; return what the file is, durable."""
        self._flush()
        self._writer.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return ExportFile(
            name=self._path.name,
            sha256=digest,
            bytes=self._path.stat().st_size,
            events=self._events,
            first_company=self._first,
            last_company=self._last,
        )

    def close(self) -> None:
        """Let go of a file that will not be whole."""
        self._writer.close()
        self._stream.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(table_of(self._rows))
            self._rows, self._row_bytes = [], 0


def _created(path: Path) -> Any:
    """Return a new file, open to be written, its owner's alone."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
