"""The command line. This file imports nothing of the `cli` extra until it is needed.

Nor anything else before it has made sure that an interrupt ends in a status.
"""

import sys

INTERRUPTED = 130
_EXTRA = ("click", "iso4217", "rich")


def main() -> None:
    """Run the command line; whatever happens ends in a status and one sentence."""
    status = INTERRUPTED
    try:
        status = _status()
    except KeyboardInterrupt:
        pass
    finally:
        _hear_no_more()
    sys.exit(status)


def _status() -> int:
    import signal  # noqa: PLC0415 - an interrupt may come while it is imported

    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:  # it is not where a shell runs the command in the background
        signal.signal(signal.SIGINT, _leave)
    from importlib.util import find_spec  # noqa: PLC0415 - as above

    absent = [name for name in _EXTRA if find_spec(name) is None]
    if absent:
        sys.stderr.write(
            f"reconcile needs the package {absent[0]}: install codat-reconcile[cli]\n"
        )
        return 2
    from reconcile.cli.ending import ended  # noqa: PLC0415 - imports what it names

    def command_line() -> int:
        from reconcile.cli.root import run  # noqa: PLC0415 - needs the extra

        if heard:
            sys.unraisablehook = _leave_if_interrupted
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()

    return ended(command_line)


def _leave(*_: object) -> None:
    """End at once: there is nothing to put away while imports run.

    An error raised inside an import may be caught, or told, by whoever imports.
    """
    import os  # noqa: PLC0415 - the interpreter has it already

    os._exit(INTERRUPTED)


def _leave_if_interrupted(unraisable: "sys.UnraisableHookArgs") -> None:
    """End at an interrupt that came while an object was being put away.

    Python passes over what is raised in a `__del__`, and would tell it on the way.
    """
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _leave()
    sys.__unraisablehook__(unraisable)


def _hear_no_more() -> None:
    """Let no interrupt spoil the way out: the status is decided."""
    import signal  # noqa: PLC0415 - as above

    signal.signal(signal.SIGINT, signal.SIG_IGN)
