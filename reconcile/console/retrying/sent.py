"""What a run handed over, as lists are cut by it."""

from reconcile.console.retrying.shelf import digest_of
from reconcile.console.sheet import Sheet
from reconcile.reconciler import Reconciler
from reconcile.retries.progress import handed_over


def sent_by(books: Reconciler, sheet: Sheet, run: str) -> tuple[tuple[str, str], ...]:
    """Return company and id of what a run sent, by what a sheet stands on."""
    found = handed_over(
        books.store, digest_of(run), until=sheet.position, as_of=sheet.as_of
    )
    return tuple(dict.fromkeys(found))
