"""The help of the commands: each line of the list fits its column."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from reconcile.cli.root import COMMANDS, cli

SHORT_HELP_MAX = 45


def commands(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from commands(command)


@pytest.mark.parametrize("command", [*commands(cli)], ids=lambda command: command.name)
def test_the_short_help_of_a_command_is_one_whole_sentence(
    command: click.Command,
) -> None:
    short = command.get_short_help_str(limit=SHORT_HELP_MAX)

    assert 0 < len(short) <= SHORT_HELP_MAX
    assert short.endswith(".")
    assert not short.endswith("...")


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    own = {
        name: command.get_short_help_str(100) for name, command in cli.commands.items()
    }

    assert {name: words for name, (_, words) in COMMANDS.items()} == own


def test_help_imports_no_command_and_nothing_of_the_store() -> None:
    code = (
        "import sys; from reconcile.cli import main; sys.argv = ['reconcile', '--help']"
    )
    show = "print(*sys.modules, file=sys.stderr)"
    run = f"{code}\ntry:\n    main()\nfinally:\n    {show}"

    ended = subprocess.run(
        [sys.executable, "-c", run], capture_output=True, text=True, check=True
    )

    loaded = {*ended.stderr.split()}
    assert "reconcile.cli.root" in loaded
    assert loaded.isdisjoint(
        ("reconcile.cli.commands", "reconcile.reconciler", "rich", "httpx", "msgspec")
    )


@pytest.mark.parametrize("command", [*commands(cli)], ids=lambda command: command.name)
def test_every_option_has_a_help_or_a_default(command: click.Command) -> None:
    silent = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not (option.help or option.default)
    ]

    assert silent == []
