"""Whole copies of a store: to keep, and to read one that may only be read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconcile.errors import StoreError
from reconcile.storage.moving import copy_store
from reconcile.storage.opening import (
    copy_file,
    copy_of_read_only,
    is_postgres,
    is_read_only,
    open_store,
)


def back_up(url: str, target: Path) -> int:
    """Copy a store to a new file, as one moment has it; return its last position.

    The copy is one SQLite file, its owner's alone, with the history, its evidence and
    the refused deliveries, whichever engine the store is of. `copy_store` puts it back.

    Raises:
        UsageError: the URL names no store we know.
        NoStoreError: there is no store.
        StoreError: the store cannot be read, the file not be written, or the copy is
            not what the store was.

    """
    with open_store(url, create=False) as store:
        before = store.position()
        if not is_postgres(url):
            copy_file(store.path, target)
    if is_postgres(url):
        copy_store(url, f"sqlite:///{target}")
    with open_store(f"sqlite:///{target}", create=False) as copy:
        copy.check()
        position = copy.position()
    if position < before:
        raise StoreError(
            f"the copy ends at position {position}, expected {before} at least"
        )
    return position


@contextmanager
def readable(url: str) -> Iterator[str]:
    """Give the URL of a store to read from: of one that may only be read, a copy.

    The library brings the views up to date as they are read, so it writes; the copy is
    gone at the end.

    Raises:
        UsageError: the URL names no store we know.
        NoStoreError: there is no store.
        StoreError: it cannot be read.

    """
    if not is_read_only(url):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="reconcile-") as folder:
        target = Path(folder) / "copy.db"
        copy_of_read_only(url, target)
        yield f"sqlite:///{target}"
