"""What a command shows of the library's log: warnings, where it works by itself."""

import logging


def tell_log() -> None:
    """Show warnings on standard error, a line each."""
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    shown.setLevel(logging.WARNING)
    logging.getLogger("reconcile").addHandler(shown)
