"""The command that serves the sandbox: arguments in, a server until it is stopped."""

from datetime import UTC, datetime

import attrs
import click

from reconcile.cli.arguments import listening_options
from reconcile.cli.signals import stopping
from reconcile.errors import UsageError

_SPEED_MAX = 86_400.0  # a day in a second
_WAKE_S = 0.5  # a wait without an end cannot be interrupted on every system


@click.command()
@listening_options(port=8788)
@click.option(
    "--scenario",
    "name",
    default="happy",
    show_default=True,
    metavar="NAME",
    help="What goes wrong and how often; a wrong name lists them.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Which run of it.",
)
@click.option("--as-documented", is_flag=True, help="Answer as the page's samples do.")
@click.option("--strict", is_flag=True, help="Know only companies that were created.")
@click.option("--no-quotas", is_flag=True, help="Answer any number of requests.")
@click.option(
    "--speed",
    type=click.FloatRange(0, _SPEED_MAX, min_open=True),
    default=1.0,
    show_default=True,
    metavar="X",
    help="How many times faster than real time.",
)
def sandbox(
    host: str,
    port: int,
    name: str,
    seed: int,
    as_documented: bool,
    strict: bool,
    no_quotas: bool,
    speed: float,
) -> int:
    """Serve a Codat to test against until stopped."""
    try:
        import uvicorn  # noqa: F401, PLC0415 - only asks whether the extra is there
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the sandbox needs the package {error.name}:"
            " install codat-reconcile[sandbox]"
        ) from error
    from reconcile.sandbox import AS_DOCUMENTED, Sandbox, Settings  # noqa: PLC0415
    from reconcile.sandbox.scenarios import scenario  # noqa: PLC0415
    from reconcile.sandbox.server import serving  # noqa: PLC0415 - needs the extra

    box = Sandbox(
        settings=attrs.evolve(
            AS_DOCUMENTED if as_documented else Settings(),
            strict=strict,
            quotas=not no_quotas,
        ),
        scenario=scenario(name),
        seed=seed,
        now=datetime.now(UTC),  # so that its webhooks pass for fresh
    )
    with (
        stopping() as stop,
        serving(box, host=host, port=port, speed=speed) as url,
    ):
        click.echo(
            f"A Codat to test against is at {url} (scenario {name}, seed {seed});"
            " stop it with Ctrl-C."
        )
        while not stop.wait(_WAKE_S):
            pass
    return 0
