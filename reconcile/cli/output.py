"""The file a command writes: complete or not there, and never the store.

Without it, `--output` could put an answer over the history it was made from, and an
interrupt would leave half an answer under the name of a whole one.
"""

import os
import secrets
import stat
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self, TextIO

import attrs

from reconcile.errors import UsageError
from reconcile.storage.opening import files_of

_OPEN_FILES: Final = ("/dev/fd/", "/dev/std", "/proc/")


@attrs.frozen
class Output:
    """Where an answer goes: a file by its path, or standard output for None.

    `never` are files the answer must not touch, whether they exist yet or not; `name`
    is the option or argument that names it.
    """

    path: str | None
    never: Sequence[Path] = ()
    name: str = "--output"

    @classmethod
    def checked(
        cls,
        path: str | None,
        *,
        store: str,
        inputs: Sequence[str] = (),
        name: str = "--output",
    ) -> Self:
        """Return the output, before any work is done for it.

        Raises:
            UsageError: the path cannot be written, or is the store's or an input's.

        """
        written = cls(path, [*files_of(store), *map(Path, inputs)], name)
        if path is not None:
            written._check(path)
        elif any(_is_open_as_output(file) for file in written.never):
            raise UsageError(
                "standard output is a file that this command reads,"
                " expected another file"
            )
        return written

    @contextmanager
    def stream(self) -> Iterator[TextIO]:
        """Give the stream to write to; the file is in place at the end of the `with`.

        Raises:
            UsageError: the file cannot be written; what stood there is unchanged.

        """
        if self.path is None:
            yield sys.stdout
            return
        before = self._check(self.path)
        try:
            if before is not None and _is_written_directly(self.path, before):
                with _directly(self.path, before) as stream:
                    yield stream
            else:
                with self._replacing(self.path, before) as stream:
                    yield stream
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._unwritable(self.path, error.strerror or str(error)) from error

    @contextmanager
    def file(self) -> Iterator[Path]:
        """Give a path to make a file at, its owner's alone; it is in place at the end.

        Raises:
            UsageError: the file cannot be written; what stood there is unchanged.

        """
        path = self.path or ""
        before = self._check(path)
        if before is not None and not stat.S_ISREG(before.st_mode):
            raise self._unwritable(path, "it is not an ordinary file, expected one")
        try:
            with self._beside(path) as beside:
                yield beside
        except OSError as error:
            raise self._unwritable(path, error.strerror or str(error)) from error

    def _check(self, path: str) -> os.stat_result | None:
        """Return what stands at the path, None for nothing; or refuse the path."""
        try:
            there = _stat(path)
            folder = Path(os.path.realpath(path)).parent
            is_folder = there is not None and stat.S_ISDIR(there.st_mode)
            if not path or path.endswith(os.sep) or is_folder:
                raise self._unwritable(path, "a folder is there, expected a file")
            if not folder.is_dir():
                raise self._unwritable(path, "its folder does not exist")
        except (OSError, ValueError) as error:
            message = getattr(error, "strerror", None) or str(error)
            raise self._unwritable(path, message) from error
        for file in self.never:
            if _is_same(path, file):
                raise UsageError(
                    f"{self.name}: {path} is {file}, which this command reads,"
                    " expected another file"
                )
        if there is None or not _is_written_directly(path, there):
            if not os.access(folder, os.W_OK | os.X_OK):
                raise self._unwritable(path, "its folder cannot be written")
            if there is not None and not os.access(path, os.W_OK):
                raise self._unwritable(path, "it is read-only")
        return there

    @contextmanager
    def _replacing(self, path: str, before: os.stat_result | None) -> Iterator[TextIO]:
        with (
            self._beside(path) as beside,
            beside.open("x", encoding="utf-8", newline="") as stream,
        ):
            yield stream
            stream.flush()
            if before is not None:
                _keep_owner_and_mode(stream.fileno(), before)

    @contextmanager
    def _beside(self, path: str) -> Iterator[Path]:
        """Give a path in the same folder; what is there at the end takes the place."""
        target = Path(os.path.realpath(path))  # a link stays, its target is replaced
        beside = target.with_name(f".reconcile-{secrets.token_hex(8)}.tmp")
        try:
            yield beside
            with beside.open("rb+") as written:
                os.fsync(written.fileno())
            self._check(path)  # the store's own files come and go
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def _unwritable(self, path: str, why: str) -> UsageError:
        return UsageError(f"{self.name}: {path or repr(path)} cannot be written: {why}")


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _is_same(path: str, other: Path) -> bool:
    """Return whether two paths name one file, now or once both exist.

    Where neither exists nobody can tell whether the file system tells upper case from
    lower, or one spelling of an accent from another: then they are taken for the same.
    """
    there, others = _stat(path), _stat(str(other))
    if there is not None and others is not None:
        return os.path.samestat(there, others)
    mine, its = Path(os.path.realpath(path)), Path(os.path.realpath(other))
    if mine == its:
        return True
    if there is not None or others is not None or _folded(mine) != _folded(its):
        return False
    return its.parent.is_dir() and mine.parent.samefile(its.parent)


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFKC", path.name).casefold()


def _is_written_directly(path: str, there: os.stat_result) -> bool:
    """Return whether a path is no ordinary file, or a stream that is open already."""
    if not stat.S_ISREG(there.st_mode):
        return True
    return os.path.abspath(path).startswith(_OPEN_FILES) or _open_as(there) is not None


def _is_open_as_output(file: Path) -> bool:
    there = _stat(str(file))
    return there is not None and _open_as(there) == 1


def _open_as(there: os.stat_result) -> int | None:
    """Return the descriptor of standard output or error where it is this file."""
    for number in (1, 2):
        with suppress(OSError):
            if os.path.samestat(os.fstat(number), there):
                return number
    return None


@contextmanager
def _directly(path: str, there: os.stat_result) -> Iterator[TextIO]:
    number = _open_as(there)
    if number is not None:
        sys.stdout.flush()
    target = path if number is None else os.dup(number)
    with open(target, "w", encoding="utf-8", newline="") as stream:
        yield stream


def _keep_owner_and_mode(number: int, before: os.stat_result) -> None:
    if hasattr(os, "fchown"):
        with suppress(PermissionError):
            os.fchown(number, before.st_uid, before.st_gid)
        os.fchmod(number, stat.S_IMODE(before.st_mode))


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where a folder can be opened."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
