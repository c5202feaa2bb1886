"""What a command shows of the library's log: warnings, where it works by itself."""

import logging

LOG = logging.getLogger("reconcile")


def keep_silent() -> None:
    """Show nothing: the command says itself what went wrong."""
    LOG.addHandler(logging.NullHandler())


def tell_log() -> None:
    """Show warnings on standard error, a line each."""
    shown = logging.StreamHandler()
    shown.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    shown.setLevel(logging.WARNING)
    LOG.addHandler(shown)
