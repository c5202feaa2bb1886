"""Read a policy of retries from TOML, whole or not at all."""

import tomllib
from collections.abc import Mapping
from datetime import time, timedelta
from typing import Any, Final

import msgspec

from reconcile.domain.vocabulary import Owner
from reconcile.errors import UsageError
from reconcile.retries.policy import (
    BATCH_MAX,
    DEFAULT_POLICY,
    FACTOR_MAX,
    NUMBER_MAX,
    WAIT_MAX,
    QuietHours,
    RetryPolicy,
    RetryWait,
)
from reconcile.rules import BUILT_IN, Ruleset

_MINUTES_MAX: Final = WAIT_MAX // timedelta(minutes=1)


class _Wait(msgspec.Struct, forbid_unknown_fields=True):
    first_min: float | None = None
    factor: float | None = None
    longest_min: float | None = None
    tries_max: int | None = None


class _Attempts(msgspec.Struct, forbid_unknown_fields=True):
    per_content: int = DEFAULT_POLICY.per_content
    per_cause_and_day: int = DEFAULT_POLICY.per_cause_and_day


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    size: int = DEFAULT_POLICY.batch_size


class _Quota(msgspec.Struct, forbid_unknown_fields=True):
    share: float = DEFAULT_POLICY.quota_share


class _Quiet(msgspec.Struct, forbid_unknown_fields=True):
    begins: str
    until: str
    zone: str = "UTC"


class _Policy(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    attempts: _Attempts = msgspec.field(default_factory=_Attempts)
    batch: _Batch = msgspec.field(default_factory=_Batch)
    quota: _Quota = msgspec.field(default_factory=_Quota)
    quiet: list[_Quiet] = []
    owner: dict[str, _Wait] = {}
    cause: dict[str, _Wait] = {}


def load_policy(
    text: str,
    *,
    where: str = "the policy",
    rules: Ruleset = BUILT_IN,
) -> RetryPolicy:
    """Return the policy that a TOML text describes; what it leaves out is the default.

    Its causes are those of `rules`. `where` names the text in errors.

    Raises:
        UsageError: the text is no policy; the error says what is wrong in it.

    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} is not TOML: {error}") from error
    try:
        given = msgspec.convert(data, _Policy)
    except msgspec.ValidationError as error:
        reason = str(error).replace(" - at `$", " at `").replace("`.", "`")
        raise UsageError(f"{where}: {reason[:1].lower()}{reason[1:]}") from error
    if not given.name.strip():
        raise UsageError(f"{where}: name is blank, expected a name")
    owners, causes = _waits(given, rules, where)
    return _policy(given, owners, causes, where)


def _policy(
    given: _Policy,
    owners: dict[Owner, RetryWait],
    causes: dict[str, RetryWait],
    where: str,
) -> RetryPolicy:
    return RetryPolicy(
        name=given.name,
        owners=owners,
        causes=causes,
        per_content=_number(
            given.attempts.per_content, 1, NUMBER_MAX, f"{where}: attempts.per_content"
        ),
        per_cause_and_day=_number(
            given.attempts.per_cause_and_day,
            1,
            NUMBER_MAX,
            f"{where}: attempts.per_cause_and_day",
        ),
        batch_size=_number(given.batch.size, 1, BATCH_MAX, f"{where}: batch.size"),
        quiet_hours=tuple(
            _quiet(hours, f"{where}: quiet[{number}]")
            for number, hours in enumerate(given.quiet)
        ),
        quota_share=_share(given.quota.share, f"{where}: quota.share"),
    )


def _waits(
    given: _Policy, rules: Ruleset, where: str
) -> tuple[dict[Owner, RetryWait], dict[str, RetryWait]]:
    """Return the waits by owner and by cause."""
    owners = {**DEFAULT_POLICY.owners}
    for word, wait in given.owner.items():
        if word not in {*Owner}:
            known = ", ".join(Owner)
            raise UsageError(
                f"{where}: owner.{word} is not an owner, expected one of {known}"
            )
        owner = Owner(word)
        owners[owner] = _wait(wait, owners[owner], f"{where}: owner.{word}")
    causes = {}
    for name, wait in given.cause.items():
        cause = rules.named(name)
        if cause is None:
            raise UsageError(
                f"{where}: cause.{name} is not a cause, expected one of the ruleset's"
            )
        causes[name] = _wait(wait, owners[cause.owner], f"{where}: cause.{name}")
    return owners, causes


def _wait(given: _Wait, base: RetryWait, where: str) -> RetryWait:
    first = _minutes(given.first_min, base.first, f"{where}.first_min")
    longest = _minutes(given.longest_min, base.longest, f"{where}.longest_min")
    factor = base.factor if given.factor is None else given.factor
    if not 1 <= factor <= FACTOR_MAX:
        raise UsageError(
            f"{where}.factor is {factor:g}, expected a number from 1 to {FACTOR_MAX}"
        )
    tries = base.tries_max if given.tries_max is None else given.tries_max
    return RetryWait(
        first=first,
        factor=factor,
        longest=max(first, longest) if given.longest_min is None else longest,
        tries_max=_number(tries, 1, NUMBER_MAX, f"{where}.tries_max"),
    )


def _minutes(given: float | None, base: timedelta, where: str) -> timedelta:
    if given is None:
        return base
    if not 0 <= given <= _MINUTES_MAX:
        raise UsageError(
            f"{where} is {given:g}, expected minutes from 0 to {_MINUTES_MAX}"
        )
    return timedelta(minutes=given)


def _number(given: int, least: int, most: int, where: str) -> int:
    if not least <= given <= most:
        raise UsageError(
            f"{where} is {given}, expected a number from {least} to {most}"
        )
    return given


def _share(given: float, where: str) -> float:
    if not 0 < given <= 1:
        raise UsageError(
            f"{where} is {given:g}, expected a number above 0 and at most 1"
        )
    return given


def _quiet(given: _Quiet, where: str) -> QuietHours:
    begins, until = (
        _clock(text, f"{where}.{name}")
        for name, text in (("begins", given.begins), ("until", given.until))
    )
    try:
        return QuietHours(begins=begins, until=until, zone=given.zone)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from error


def _clock(text: str, where: str) -> time:
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo is not None or clock.second or clock.microsecond:
        raise UsageError(f"{where} is {text!r}, expected hours and minutes, as 22:00")
    return clock


def policy_of(data: Mapping[str, Any]) -> RetryPolicy:
    """Return the policy that `RetryPolicy.data` gave.

    Raises:
        UsageError: it gave no such data.

    """
    try:
        return RetryPolicy(
            name=str(data["name"]),
            owners={Owner(k): _wait_of(w) for k, w in data["owners"].items()},
            causes={k: _wait_of(w) for k, w in data["causes"].items()},
            per_content=int(data["per_content"]),
            per_cause_and_day=int(data["per_cause_and_day"]),
            batch_size=int(data["batch_size"]),
            quiet_hours=tuple(
                QuietHours(
                    begins=time.fromisoformat(hours["begins"]),
                    until=time.fromisoformat(hours["until"]),
                    zone=hours["zone"],
                )
                for hours in data["quiet_hours"]
            ),
            quota_share=float(data["quota_share"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"the policy of the plan cannot be read ({error}), expected it as it was"
            " written"
        ) from error


def _wait_of(data: Mapping[str, Any]) -> RetryWait:
    return RetryWait(
        first=timedelta(seconds=float(data["first_s"])),
        factor=float(data["factor"]),
        longest=timedelta(seconds=float(data["longest_s"])),
        tries_max=int(data["tries_max"]),
    )
