"""Who may call: an API key in the header, where the sandbox was given any."""

from base64 import b64encode
from collections.abc import Iterable
from hmac import compare_digest

from reconcile.sandbox.messages import Call
from reconcile.sandbox.refusals import RefusedError


def authenticate(call: Call, *, api_keys: Iterable[str]) -> None:
    """Let a call pass that carries one of the keys; without any keys, let all pass.

    Source: Codat docs, Authentication: `Authorization: Basic base64(api key)`, the key
    alone, with no colon behind it.

    Raises:
        RefusedError: 401.

    """
    wanted = [b64encode(key.encode()) for key in api_keys]
    if not wanted:
        return
    scheme, _, text = call.headers.get("authorization", "").partition(" ")
    given = text.strip().encode("utf-8", "replace")
    if scheme.lower() != "basic" or not any(
        compare_digest(given, key) for key in wanted
    ):
        raise RefusedError(
            401,
            "The API key is missing or not valid.",
            headers=(("WWW-Authenticate", "Basic"),),
        )
