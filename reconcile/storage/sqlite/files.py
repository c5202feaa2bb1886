"""The file of a store as it is made: nobody's but its owner's to read."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

OWNERS_ALONE: Final = 0o600
"""SQLite gives a store's journals the mode of the store."""


def make_file(path: str | Path) -> None:
    """Make an empty file, its owner's alone, unless there is one.

    Raises:
        OSError: it cannot be made.

    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNERS_ALONE))
