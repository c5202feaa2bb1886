"""The command that takes webhooks: arguments in, a server until it is stopped."""

from collections.abc import Sequence
from contextlib import nullcontext

import click

from reconcile.cli.account import access, account_options
from reconcile.cli.arguments import listening_options
from reconcile.cli.follow import following
from reconcile.cli.log import tell_log
from reconcile.cli.signals import stopping
from reconcile.cli.terminal import say
from reconcile.endpoint import PATH, Trust, WebhookEndpoint
from reconcile.errors import UsageError

_WAKE_S = 0.1  # how long a signal to end may go unseen


class _Secrets(click.ParamType[str]):
    """A webhook secret; in the environment, several with commas between them."""

    name = "secret"

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        """Return the secrets of an environment variable."""
        return [secret.strip() for secret in rv.split(",") if secret.strip()]


@click.command()
@listening_options(port=8787)
@click.option(
    "--webhook-secret",
    "secrets",
    type=_Secrets(),
    multiple=True,
    envvar="RECONCILE_WEBHOOK_SECRETS",
    metavar="S",
    help="A secret that Codat signs with, whsec_…; repeat it for each that is valid.",
)
@account_options
@click.pass_obj
def serve(
    store: str,
    host: str,
    port: int,
    secrets: tuple[str, ...],
    api_key: str | None,
    base_url: str,
) -> int:
    """Receive webhooks until stopped.

    They are recorded in the store. With an API key, syncs are followed as well.
    """
    try:
        import httptools  # noqa: F401, PLC0415 - only asks whether the extra is there
        import uvicorn  # noqa: F401, PLC0415 - as above
    except ModuleNotFoundError as error:
        raise UsageError(
            f"serving needs the package {error.name}: install codat-reconcile[serve]"
        ) from error
    from reconcile.endpoint.server import serving  # noqa: PLC0415 - needs the extra

    account = access(api_key, base_url) if api_key else None
    tell_log()
    with (
        stopping() as stop,
        following(store, account, stop) if account else nullcontext(),
        WebhookEndpoint(store, trust=Trust(secrets=secrets)) as endpoint,
        serving(endpoint, host=host, port=port) as served,
    ):
        if not secrets:
            say("No webhook secret was given: deliveries are refused.", err=True)
        if not account:
            say("No API key was given: syncs are not followed.", err=True)
        say(f"Webhooks are taken at {served.url}{PATH}; stop it with Ctrl-C.")
        while served.thread.is_alive() and not stop.is_set():
            stop.wait(_WAKE_S)
    return 0
