"""What commands have in common: the statuses they end with, and where `--rules` is."""

from typing import Final

BROKEN: Final = 1
"""It ran, and breaks were found, or differences."""
UNRELIABLE: Final = 2
"""It could not answer reliably: bad input, unread evidence, a store of no use."""
FAULT: Final = 70
"""A fault of ours: EX_SOFTWARE of sysexits.h, which no answer has."""

RULES: Final = "reconcile.rules"
"""Where the command line's `--rules` is kept for the commands below it."""
