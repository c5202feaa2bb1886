"""What PostgreSQL answers, as one of our errors, in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from eventsourcing.persistence import PersistenceError
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from reconcile.errors import StoreAwayError, StoreError

GONE: Final = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,  # a standby: the primary is elsewhere by now
)
"""What says that this connection is of no use any more, whatever libpq says."""


def is_lost(error: psycopg.Error) -> bool:
    """Return whether it was the connection that failed, not the statement."""
    if error.sqlstate is None:  # libpq says it, not the server
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return isinstance(error, GONE) or error.sqlstate.startswith("08")


@contextmanager
def store_errors(name: str) -> Iterator[None]:
    """Turn what the driver raises into one sentence about the store."""
    try:
        yield
    except PoolClosed as error:
        raise StoreError(f"{name} cannot be used as a store: it was closed") from error
    except PoolTimeout as error:
        raise StoreAwayError(name, first_line(error)) from error
    except psycopg.Error as error:
        raise as_store_error(name, error) from error
    except PersistenceError as error:
        cause = error.__cause__
        if isinstance(cause, psycopg.Error):
            raise as_store_error(name, cause) from cause
        raise StoreError(f"{name} cannot be used as a store: {error}") from error


def as_store_error(name: str, error: psycopg.Error) -> StoreError:
    """Return the error for what the server, or the way to it, answered."""
    for kinds, sentence in _SENTENCES:
        if isinstance(error, kinds):
            return StoreError(
                f"{name} cannot be used: {sentence} ({first_line(error)})"
            )
    if is_lost(error):
        return StoreAwayError(name, first_line(error))
    return StoreError(f"{name} cannot be used as a store: {first_line(error)}")


_SENTENCES: Final = (
    (
        (errors.LockNotAvailable,),
        "another transaction holds what is needed for longer than lock_timeout",
    ),
    ((errors.QueryCanceled,), "a statement took longer than statement_timeout"),
    ((errors.DiskFull,), "the disk of the server is full"),
    ((errors.InsufficientPrivilege,), "this role may not do that"),
    (
        (errors.InvalidPassword, errors.InvalidAuthorizationSpecification),
        "the server does not let this user in",
    ),
    ((errors.InvalidCatalogName,), "there is no such database"),
    ((errors.TooManyConnections,), "the server takes no more connections"),
)


def first_line(error: BaseException) -> str:
    """Return the first line of what was said: later ones repeat and hint."""
    lines = str(error).strip().splitlines()
    first = lines[0].strip() if lines else type(error).__name__
    return first.removeprefix("connection is bad: ")
