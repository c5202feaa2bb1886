"""How a run ends, as a number; what each means is in the command line's reference."""

from typing import Final

BROKEN: Final = 1
"""It ran, and breaks were found, or differences."""
UNRELIABLE: Final = 2
"""It could not answer reliably: bad input, unread evidence, a store of no use."""
FAULT: Final = 70
"""A fault of ours: EX_SOFTWARE of sysexits.h, which no answer has."""
