"""The help of the commands: each line of the list fits its column."""

from collections.abc import Iterator

import click
import pytest

from reconcile.cli.commands import cli

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


@pytest.mark.parametrize("command", [*commands(cli)], ids=lambda command: command.name)
def test_every_option_has_a_help_or_a_default(command: click.Command) -> None:
    silent = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not (option.help or option.default)
    ]

    assert silent == []
