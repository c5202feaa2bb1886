"""A whole copy of a store, made while others read and write it, and looked through."""

from pathlib import Path

from reconcile.errors import StoreError
from reconcile.storage.opening import open_store


def back_up(url: str, target: Path) -> int:
    """Copy a store to a new file, as one moment has it; return its last position.

    The copy is one file, its owner's alone, with the history, its evidence, the views
    and the refused deliveries.

    Raises:
        UsageError: the URL names no store we know.
        NoStoreError: there is no store.
        StoreError: the store cannot be read, the file not be written, or the copy is
            not what the store was.

    """
    with open_store(url, create=False) as store:
        before = store.position()
        store.copy_to(target)
    with open_store(f"sqlite:///{target}", create=False) as copy:
        copy.check()
        position = copy.position()
    if position < before:
        raise StoreError(
            f"the copy ends at position {position}, expected {before} at least"
        )
    return position
