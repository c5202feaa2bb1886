"""The command `reconcile`: its commands, each imported when it is called.

A shell that completes a word, and `--help`, wait for nothing that they do not show.
"""

from collections.abc import MutableMapping
from importlib import import_module
from typing import Any, Final

import click

from reconcile.cli.status import RULES
from reconcile.version import VERSION

COMMANDS: Final = {
    "audit": ("audit", "Check the store against its own history."),
    "backup": ("backup", "Copy the store to a file."),
    "cases": ("cases", "Decide: mended, booked, moved, waive, note."),
    "causes": ("commands", "Tell why expenses are broken, cause by cause."),
    "console": ("console", "Serve the pages for finance until stopped."),
    "copy": ("backup", "Copy a store to another, of any engine."),
    "doctor": ("doctor", "Check the setup and the way to Codat."),
    "explain": ("commands", "Tell the story of one transaction."),
    "export": ("export", "Write the history to a folder as Parquet."),
    "follow": ("follow", "Read every sync from Codat to its end."),
    "ingest": ("commands", "Read captured traffic into the store."),
    "migrate": ("migrate", "Make the store's tables, or update them."),
    "project": ("project", "Keep the live views up to date."),
    "push": ("push", "Send the expenses of a file."),
    "report": ("commands", "Report every expense, and what went wrong."),
    "reprocess": ("commands", "Read again what could not be read."),
    "retries": ("retries", "Send again what failed: plan, run, show."),
    "rules": ("rules", "Check the rules that class failures."),
    "sandbox": ("sandbox", "Serve a Codat to test against until stopped."),
    "serve": ("serve", "Receive webhooks until stopped."),
    "sync": ("sync", "Sync datasets, or settle requests in doubt."),
}
"""The module of each command, which names it as it is called, and its short help."""


class _Root(click.Group):
    """A group whose commands are imported one by one."""

    @property
    def commands(self) -> MutableMapping[str, click.Command]:
        """Return every command, imported."""
        return {name: _imported(name) for name in COMMANDS}

    @commands.setter
    def commands(self, _: Any) -> None:
        """Hold none: click begins a group with no commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None: there is none of that name."""
        del ctx
        return _imported(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]
            )


def _imported(name: str) -> click.Command:
    module = import_module(f"reconcile.cli.{COMMANDS[name][0]}")
    command: click.Command = getattr(module, name)
    return command


def run() -> int:
    """Run the command line and return its status; errors are the caller's."""
    status = cli.main(standalone_mode=False)
    return status if isinstance(status, int) else 0


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--store",
    default="sqlite:///reconcile.db",
    envvar="RECONCILE_STORE",
    show_default=True,
    metavar="URL",
    help="Where the history is: sqlite:///PATH, postgresql://….",
)
@click.option(
    "--rules",
    envvar="RECONCILE_RULES",
    metavar="FILE",
    help="Rules of your own that class failures, as TOML.",
)
@click.version_option(VERSION, prog_name="reconcile")
@click.pass_context
def cli(context: click.Context, store: str, rules: str | None) -> None:
    """Report what became of every expense sent to Codat."""
    context.obj = store
    context.meta[RULES] = rules
