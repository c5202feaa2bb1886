"""The manifest of an export: which files it has, what they hold, and their digests.

It is what makes a folder an export. A file that is missing, changed or of another
export is refused by it, in one sentence.
"""

import hashlib
from pathlib import Path
from typing import Final

import attrs
import msgspec

from reconcile.errors import UsageError

SCHEMA: Final = "reconcile.export/1"
NAME: Final = "_manifest.json"  # Spark passes over names that begin with _


@attrs.frozen(kw_only=True)
class ExportFile:
    """One file of an export: whole companies, from the first to the last."""

    name: str
    sha256: str
    bytes: int
    events: int
    first_company: str
    last_company: str


@attrs.frozen(kw_only=True)
class ExportManifest:
    """What an export holds: every event up to a position."""

    schema: str
    position: int
    events: int
    companies: int
    columns: tuple[str, ...]
    files: tuple[ExportFile, ...]
    digest: str = attrs.field(default="", eq=False)  # SHA-256 (hex) of the file

    @classmethod
    def read(cls, folder: Path) -> "ExportManifest":
        """Return the manifest of a folder.

        Raises:
            UsageError: the folder is not a whole export.

        """
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder, expected one with an export")
        try:
            content = (folder / NAME).read_bytes()
        except FileNotFoundError as error:
            raise UsageError(
                f"{folder} has no {NAME}, expected a whole export"
            ) from error
        except OSError as error:
            raise UsageError(
                f"{folder / NAME} cannot be read: {error.strerror}"
            ) from error
        return _decoded(content, folder / NAME)

    def check_files(self, folder: Path) -> None:
        """Raise a UsageError where a file is not there, or has another size."""
        for file in self.files:
            file_on_disk(folder, file)

    def encoded(self) -> bytes:
        """Return the manifest as it stands in the file."""
        data = attrs.asdict(self, filter=lambda field, _: field.name != "digest")
        return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _decoded(content: bytes, path: Path) -> ExportManifest:
    try:
        schema = msgspec.json.decode(content, type=_Head).schema
        if schema != SCHEMA:
            raise UsageError(f"{path} is of schema {schema!r}, expected {SCHEMA!r}")
        manifest = msgspec.json.decode(content, type=ExportManifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not a manifest of an export: {error}") from error
    for file in manifest.files:
        if Path(file.name).name != file.name or file.name.startswith("."):
            raise UsageError(f"{path} names {file.name!r}, expected a name of a file")
    return attrs.evolve(manifest, digest=hashlib.sha256(content).hexdigest())


class _Head(msgspec.Struct):
    schema: str


def file_on_disk(folder: Path, file: ExportFile) -> Path:
    """Return the path of a file that is there in its size.

    Raises:
        UsageError: it is missing, or has another size.

    """
    path = folder / file.name
    try:
        size = path.stat().st_size
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}, expected a file of the export"
        ) from error
    if size != file.bytes:
        raise UsageError(
            f"{path} was changed: it has {size} bytes, expected {file.bytes}"
        )
    return path


def check_digest(folder: Path, file: ExportFile) -> Path:
    """Return the path of a file whose bytes are those that were exported.

    Raises:
        UsageError: it is missing, or was changed.

    """
    path = file_on_disk(folder, file)
    try:
        stat = path.stat()
        found = _digest_of(path, (stat.st_mtime_ns, stat.st_ino, stat.st_size))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}, expected a file of the export"
        ) from error
    if found != file.sha256:
        raise UsageError(
            f"{path} was changed: its SHA-256 is {found[:12]}…,"
            f" expected {file.sha256[:12]}…"
        )
    return path


def _digest_of(path: Path, mark: tuple[int, int, int]) -> str:
    """Return the SHA-256 of a file; one that nobody touched is not read again."""
    known = _digests.get(path)
    if known is not None and known[0] == mark:
        return known[1]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _digests[path] = mark, digest
    return digest


_digests: Final[dict[Path, tuple[tuple[int, int, int], str]]] = {}
