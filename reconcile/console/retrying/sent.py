"""What a run handed over, as lists are cut by it."""

from collections.abc import Iterator

from reconcile.console.retrying.shelf import digest_of
from reconcile.console.sheet import Sheet
from reconcile.reconciler import Reconciler
from reconcile.retries.progress import handed_over


def sent_by(books: Reconciler, sheet: Sheet, run: str) -> Iterator[tuple[str, str]]:
    """Yield company and id of what a run sent, by what a sheet stands on."""
    until = sheet.footing.position
    return handed_over(books.store, digest_of(run), until=until, as_of=sheet.as_of)
