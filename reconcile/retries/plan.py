"""The plan: a frozen list of what to send again, named by its digest.

Its bytes are a function of the history, the moment, the rules, the policy and what was
corrected; so whoever makes it again gets the same.
"""

import enum
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Self

import attrs
import msgspec

from reconcile.domain.instants import format_instant, parse_instant
from reconcile.domain.vocabulary import Owner
from reconcile.errors import UsageError
from reconcile.retries.policy import RetryPolicy
from reconcile.retries.policy_file import policy_of

SCHEMA: Final = "reconcile.plan/1"
PLAN_BYTES_MAX: Final = 512 * 2**20


class Operation(enum.StrEnum):
    """The call of a line."""

    CREATE = "create"
    UPDATE = "update"
    PUT = "put"
    PUSH = "push"
    START_SYNC = "start_sync"


class LeftOutReason(enum.StrEnum):
    """Why an expense is in no line."""

    IN_BOOKS = "in_books"
    WAITS = "waits"
    IN_DOUBT = "in_doubt"
    NOT_RELEASED = "not_released"
    BUDGET = "budget"
    NO_PAYLOAD = "no_payload"
    HELD_FOR_PROBE = "held_for_probe"
    RESOLVED = "resolved"
    MOVED = "moved"
    ELSEWHERE = "elsewhere"
    UNREADABLE = "unreadable"


@attrs.frozen(kw_only=True)
class PlanLine:
    """One call: its expenses, and what of them is sent.

    `contents` are the digests of what the expenses say, in their order, and
    `payload_digest` is that of all of it. `noun` is what Codat's path calls them.
    `after` is the number of the line whose outcome it is held for, `probe_for` the
    fingerprint that it probes, `fingerprint` what its expenses failed with. `datasets`
    are those that a sync is started of.
    """

    n: int
    company_id: str
    dialect: str  # "v1" or "current"
    operation: Operation
    noun: str
    transactions: tuple[str, ...]
    contents: tuple[str, ...]
    payload_from: str  # "evidence" or "correction"
    not_before: datetime | None = None
    probe_for: str | None = None
    after: int | None = None
    cause: str | None = None
    fingerprint: str | None = None
    datasets: tuple[str, ...] = ()
    why: str

    @property
    def payload_digest(self) -> str:
        """Return the SHA-256 of what is sent: each expense with its digest."""
        pairs = [*zip(self.transactions, self.contents, strict=True)]
        return f"sha256:{hashlib.sha256(msgspec.json.encode(pairs)).hexdigest()}"


@attrs.frozen(kw_only=True)
class LeftOut:
    """One expense that is in no line, and why; `until` is when that may change."""

    company_id: str
    transaction_id: str
    reason: LeftOutReason
    until: datetime | None = None
    owner: Owner | None = None


@attrs.frozen(kw_only=True)
class Correction:
    """What the host sends in place of what failed: the expense as JSON."""

    company_id: str
    transaction_id: str
    body: str
    digest: str  # of what it says, as events hold it


@attrs.frozen(kw_only=True)
class Plan:
    """What is to be sent again, in lines; of all else that is broken, why not.

    `position` is the last event it rests on, `judged_by` the policy of judgement.
    """

    as_of: datetime
    position: int
    ruleset: str
    judged_by: str
    policy: RetryPolicy
    lines: tuple[PlanLine, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def digest(self) -> str:
        """Return the plan's name: the SHA-256 of all that it says."""
        return _digest_of(self._data())

    @property
    def companies(self) -> tuple[str, ...]:
        """Return the companies that lines are of, sorted."""
        return tuple(sorted({line.company_id for line in self.lines}))

    def to_json(self) -> bytes:
        """Return the plan as its file holds it."""
        data = self._data()
        data["digest"] = _digest_of(data)
        return _ENCODER.encode(data) + b"\n"

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Return the plan that a file holds.

        Raises:
            UsageError: it holds none, or its bytes are others than those it was made
                with.

        """
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError(f"it is not JSON: {error}, expected a plan") from error
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise UsageError(f"the schema of a plan is missing, expected {SCHEMA}")
        named = data.pop("digest", None)
        found = _digest_of(data)
        if named != found:
            raise UsageError(
                f"its bytes were changed: they make {found}, expected {named}"
            )
        try:
            return cls._of(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f"it cannot be read ({error!r}), expected a plan as it was written"
            ) from error

    def data(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return {"digest": self.digest, **self._data()}

    def _data(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "as_of": format_instant(self.as_of),
            "position": self.position,
            "ruleset": self.ruleset,
            "judged_by": self.judged_by,
            "policy": self.policy.label,
            "policy_data": self.policy.data,
            "lines": [_line_data(line) for line in self.lines],
            "left_out": [_left_out_data(row) for row in self.left_out],
            "corrections": [attrs.asdict(each) for each in self.corrections],
        }

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Self:
        policy = policy_of(data["policy_data"])
        if policy.label != data["policy"]:
            raise ValueError(f"the policy is {policy.label}")
        return cls(
            as_of=_moment(data["as_of"]),
            position=int(data["position"]),
            ruleset=data["ruleset"],
            judged_by=data["judged_by"],
            policy=policy,
            lines=tuple(_line_of(line) for line in data["lines"]),
            left_out=tuple(_left_out_of(row) for row in data["left_out"]),
            corrections=tuple(Correction(**each) for each in data["corrections"]),
        )


_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def _digest_of(data: Mapping[str, Any]) -> str:
    return f"sha256:{hashlib.sha256(_ENCODER.encode(data)).hexdigest()}"


def _line_data(line: PlanLine) -> dict[str, Any]:
    return {
        "n": line.n,
        "company_id": line.company_id,
        "dialect": line.dialect,
        "operation": line.operation.value,
        "noun": line.noun,
        "transactions": [*line.transactions],
        "contents": [*line.contents],
        "payload_digest": line.payload_digest,
        "payload_from": line.payload_from,
        "not_before": _text(line.not_before),
        "probe_for": line.probe_for,
        "after": line.after,
        "cause": line.cause,
        "fingerprint": line.fingerprint,
        "datasets": [*line.datasets],
        "why": line.why,
    }


def _line_of(data: Mapping[str, Any]) -> PlanLine:
    given = {k: v for k, v in data.items() if k != "payload_digest"}
    line = PlanLine(
        **{
            **given,
            "operation": Operation(data["operation"]),
            "transactions": tuple(data["transactions"]),
            "contents": tuple(data["contents"]),
            "datasets": tuple(data["datasets"]),
            "not_before": _maybe(data["not_before"]),
        }
    )
    if line.payload_digest != data["payload_digest"]:
        raise ValueError(f"line {line.n} has another payload")
    return line


def _left_out_data(row: LeftOut) -> dict[str, Any]:
    return {
        "company_id": row.company_id,
        "transaction_id": row.transaction_id,
        "reason": row.reason.value,
        "until": _text(row.until),
        "owner": None if row.owner is None else row.owner.value,
    }


def _left_out_of(data: Mapping[str, Any]) -> LeftOut:
    return LeftOut(
        company_id=data["company_id"],
        transaction_id=data["transaction_id"],
        reason=LeftOutReason(data["reason"]),
        until=_maybe(data["until"]),
        owner=None if data["owner"] is None else Owner(data["owner"]),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)


def _moment(text: str) -> datetime:
    moment = parse_instant(text)
    if moment is None:
        raise ValueError(f"{text!r} cannot be read as a time")
    return moment
