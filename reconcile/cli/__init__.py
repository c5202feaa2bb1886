"""The command line. This file imports nothing of the `cli` extra until it is needed."""

import io
import sys


def main() -> None:
    """Run the command line; without its extra, say so."""
    try:
        import click  # noqa: F401, PLC0415 - only asks whether the extra is there
        import rich  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"reconcile needs the package {error.name}: install codat-reconcile[cli]\n"
        )
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know less
    from reconcile.cli.commands import run  # noqa: PLC0415 - needs the extra

    run()
