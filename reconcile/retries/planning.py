"""Make a plan: gather, decide, freeze. Nothing is sent, and nothing is stored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from reconcile.codat.resending import digest_of_expense, exact_json
from reconcile.domain.identity import canonical_id
from reconcile.errors import UsageError
from reconcile.judgement.facts import Content, Sending, SentContent
from reconcile.projections.folds import gc_paused
from reconcile.projections.releases import Corrected
from reconcile.report.gather import Reporting
from reconcile.retries.candidates import CompanyCandidates
from reconcile.retries.gather import Gathering
from reconcile.retries.plan import Correction, Plan
from reconcile.retries.planner import lines_and_rest
from reconcile.retries.policy import RetryPolicy
from reconcile.rules import Ruleset

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")  # exact, no float


@gc_paused()
def make_plan(
    reporting: Reporting,
    policy: RetryPolicy,
    *,
    as_of: datetime,
    live: bool,
    company_id: str | None = None,
    cause: str | None = None,
    corrected: Sequence[Mapping[str, object]] = (),
    passing_only: bool = False,
) -> Plan:
    """Return the plan of what is to be sent again as of a moment.

    `corrected` are expenses of the company, to be sent in place of what failed.

    Raises:
        UsageError: a correction is of an expense that is not to be sent, or has no id;
            or corrections came without a company.

    """
    _check_causes(policy, reporting.rules)
    corrections = _corrections(company_id, corrected)
    with reporting.gathered(
        as_of=as_of,
        company_id=company_id,
        live=live,
        corrected=sent_instead(corrections, as_of),
    ) as found:
        gathering = Gathering(
            store=reporting.store,
            rules=reporting.rules,
            as_of=as_of,
            until=found.position,
            cause=cause,
            passing_only=passing_only,
            corrections={(c.company_id, c.transaction_id): c for c in corrections},
        )
        companies = [gathering.company(state, part) for state, part in found.companies]
    _check_cause(cause, companies)
    lines, left_out = lines_and_rest(companies, policy=policy, as_of=as_of)
    plan = Plan(
        as_of=as_of,
        position=found.position,
        ruleset=reporting.rules.label,
        judged_by=reporting.policy.edition,
        policy=policy,
        lines=lines,
        left_out=left_out,
        corrections=corrections,
    )
    _refuse_useless(plan)
    return plan


def _check_causes(policy: RetryPolicy, rules: Ruleset) -> None:
    unknown = [name for name in policy.causes if rules.named(name) is None]
    if unknown:
        raise UsageError(
            f"the policy has waits for {unknown[0]!r}, which is not a cause, expected"
            " those of the ruleset"
        )


def _check_cause(cause: str | None, companies: Sequence[CompanyCandidates]) -> None:
    if cause is not None and not any(each.candidates for each in companies):
        raise UsageError(
            f"no expense to send has the cause {cause}, expected that of a break"
        )


def _corrections(
    company_id: str | None, corrected: Sequence[Mapping[str, object]]
) -> tuple[Correction, ...]:
    if corrected and company_id is None:
        raise UsageError("corrections came without a company, expected theirs")
    found: dict[str, Correction] = {}
    for expense in corrected:
        given = expense.get("id")
        if not isinstance(given, str) or not given.strip():
            raise UsageError(
                "the id of a correction is missing, expected that of its expense"
            )
        name = canonical_id(given)
        if name in found:
            raise UsageError(f"expense {name} is corrected twice, expected it once")
        try:
            body = _ENCODER.encode(expense).decode()
        except (TypeError, ValueError, RecursionError) as error:
            raise UsageError(
                f"the correction of {name} cannot be written as JSON: {error},"
                " expected plain data"
            ) from error
        found[name] = Correction(
            company_id=company_id or "",
            transaction_id=name,
            body=body,
            digest=digest_of_expense(dict(expense)),
        )
    return tuple(found[name] for name in sorted(found))


def sent_instead(
    corrections: Sequence[Correction], as_of: datetime
) -> dict[str, Corrected]:
    """Return corrections as what was sent last, for what releases a failure."""
    found: dict[str, dict[str, SentContent]] = {}
    for each in corrections:
        content = Content(None, None, None, None, None, None, each.digest)
        sent = SentContent(Sending(None, None, "correction", as_of), content)
        found.setdefault(each.company_id, {})[each.transaction_id] = sent
    return {**found}


def _refuse_useless(plan: Plan) -> None:
    """Refuse corrections that no line sends: nothing of a plan is half as meant."""
    used = {
        (line.company_id, name)
        for line in plan.lines
        if line.payload_from == "correction"
        for name in line.transactions
    }
    reasons = {
        (row.company_id, row.transaction_id): row.reason.value for row in plan.left_out
    }
    for each in plan.corrections:
        key = each.company_id, each.transaction_id
        if key not in used:
            why = reasons.get(key, "not broken there")
            raise UsageError(
                f"expense {each.transaction_id} of company {each.company_id} is"
                f" corrected and not in the plan ({why}), expected one that is to be"
                " sent"
            )


def expense_of(correction: Correction) -> dict[str, object]:
    """Return a correction's expense as it is to be sent, its numbers exact."""
    data: dict[str, object] = exact_json(correction.body.encode())
    return data
