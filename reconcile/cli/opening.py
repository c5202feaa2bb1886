"""A store opened for a command, with the rules that the command line names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from reconcile.cli.status import RULES
from reconcile.errors import UsageError
from reconcile.reconciler import Reconciler
from reconcile.rules import BUILT_IN, Ruleset, load_rules
from reconcile.storage.backup import readable
from reconcile.storage.opening import check_writable

_RULES_BYTES_MAX: Final = 4 * 1024 * 1024


def opened(store: str, *, create: bool = True) -> Reconciler:
    """Return the reconciler on a store to write; whoever opens it closes it.

    Raises:
        StoreError: it may only be read, or cannot be used.

    """
    check_writable(store)
    return Reconciler.open(store, create=create, rules=rules_in_use())


@contextmanager
def reading(store: str) -> Iterator[Reconciler]:
    """Give the reconciler on a store to read; one that may only be read is copied."""
    with readable(store) as url, opened(url, create=False) as books:
        yield books


def rules_in_use() -> Ruleset:
    """Return the rules of `--rules`, or those that are built in."""
    named = click.get_current_context().meta.get(RULES)
    return BUILT_IN if named is None else rules_from(str(named))


def rules_from(name: str) -> Ruleset:
    """Return the ruleset in a file.

    Raises:
        UsageError: there is no such file, or it holds no ruleset.

    """
    path = Path(name)
    try:
        if path.stat().st_size > _RULES_BYTES_MAX:
            raise UsageError(
                f"{name} is larger than {_RULES_BYTES_MAX} bytes, expected a ruleset"
            )
        text = path.read_text("utf-8")
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}, expected a file of rules"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 text, expected a ruleset") from error
    return load_rules(text, where=name)
