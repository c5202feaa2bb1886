"""The policy of retries that a command line names, and the files such commands take."""

import sys
from pathlib import Path
from typing import Final

from reconcile.cli.account import shown
from reconcile.errors import UsageError
from reconcile.retries.policy import DEFAULT_POLICY, RetryPolicy
from reconcile.retries.policy_file import load_policy
from reconcile.rules import Ruleset

POLICY_BYTES_MAX: Final = 2**20


def policy_from(name: str | None, rules: Ruleset) -> RetryPolicy:
    """Return the policy in a file, the default for None.

    Raises:
        UsageError: there is no such file, or it holds no policy.

    """
    if name is None:
        return DEFAULT_POLICY
    body = bytes_of(name, POLICY_BYTES_MAX, "a policy")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{shown(name)} is not UTF-8 text, expected a policy"
        ) from error
    return load_policy(text, where=shown(name), rules=rules)


def bytes_of(name: str, most: int, what: str) -> bytes:
    """Return what a file holds, or standard input for `-`.

    Raises:
        UsageError: there is no such file, or it is larger than `most` bytes.

    """
    try:
        if name == "-":
            body = sys.stdin.buffer.read(most + 1)
        else:
            with Path(name).open("rb") as stream:
                body = stream.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{shown(name)} cannot be read: {reason}, expected {what}"
        ) from error
    if len(body) > most:
        raise UsageError(f"{shown(name)} is larger than {most} bytes, expected {what}")
    return body
