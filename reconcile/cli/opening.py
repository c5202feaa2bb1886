"""A store opened for a command, with the rules that the command line names."""

from pathlib import Path
from typing import Final

import click

from reconcile.errors import UsageError
from reconcile.reconciler import Reconciler
from reconcile.rules import BUILT_IN, Ruleset, load_rules

RULES: Final = "reconcile.rules"
"""Where the command line's `--rules` is kept for the commands below it."""
_RULES_BYTES_MAX: Final = 4 * 1024 * 1024


def opened(store: str, *, create: bool = True) -> Reconciler:
    """Return the reconciler on a store; whoever opens it closes it."""
    return Reconciler.open(store, create=create, rules=rules_in_use())


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
