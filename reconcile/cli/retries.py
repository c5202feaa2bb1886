"""`reconcile retries`: what to send again, as a plan; its run; and what came of it."""

import re
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import click

from reconcile.cli.account import access, account_options, shown
from reconcile.cli.arguments import MOMENT, format_option
from reconcile.cli.follow import holder
from reconcile.cli.opening import opened, reading
from reconcile.cli.output import Output
from reconcile.cli.policies import bytes_of, policy_from
from reconcile.cli.progress import counting
from reconcile.cli.push import read_expenses, refuse_problems
from reconcile.cli.retries_text import (
    outcome_data,
    write_outcome,
    write_plan,
    write_run,
)
from reconcile.cli.status import UNRELIABLE
from reconcile.cli.terminal import say, say_json
from reconcile.cli.text import unread_evidence_sentence
from reconcile.codat.client.account import utc_now
from reconcile.codat.client.clients import CodatClient
from reconcile.errors import UsageError
from reconcile.expenses import Dialect
from reconcile.foreign import one_line_json
from reconcile.live.follow import CALL_MAX_S, TRIES_MAX, TRY_FOR_S
from reconcile.reconciler import Reconciler
from reconcile.retries.outcome import PlanOutcome, RetryOutcome
from reconcile.retries.plan import PLAN_BYTES_MAX, Plan
from reconcile.retries.run import RetryRun

ACTOR: Final = "reconcile retries"
LOOK_EVERY_S: Final = 1.0


@click.group()
def retries() -> None:
    """Send again what failed: plan, run, show."""


@retries.command("plan")
@click.option("--company", metavar="ID", help="Only this company.")
@click.option("--cause", metavar="ID", help="Only this cause: name or fingerprint.")
@click.option("--policy", metavar="FILE", help="How often and how soon, as TOML.")
@click.option("--corrected", metavar="FILE", help="Expenses to send corrected.")
@click.option(
    "--dialect",
    type=click.Choice(["v1", "current"]),
    default="current",
    show_default=True,
    help="Of the corrected expenses.",
)
@click.option("--as-of", type=MOMENT, metavar="T", help="As things stood at T.")
@click.option("--output", metavar="FILE", help="Write the plan to this file, as JSON.")
@format_option("text", "json")
@click.pass_obj
def plan_command(
    store: str,
    company: str | None,
    cause: str | None,
    policy: str | None,
    corrected: str | None,
    dialect: str,
    as_of: datetime | None,
    output: str | None,
    face: str,
) -> int:
    """Plan what to send again; nothing is sent.

    Everything that is broken, or open with nothing under way, is in a line of the plan,
    or left out with the reason. Exits with 2 if evidence could not be read.
    """
    inputs = [name for name in (policy, corrected) if name is not None]
    target = Output.checked(output, store=store, inputs=inputs)
    if corrected is not None and company is None:
        raise UsageError("--corrected was given without --company, expected both")
    with reading(store) as books:
        books.store.check()
        if company is not None and not books.knows(company):
            raise UsageError(f"nothing is recorded of company {company}")
        terms = policy_from(policy, books.rules)
        expenses = [] if corrected is None else _corrections(corrected, dialect)
        with counting("Planning") as progress:
            plan = books.plan(
                terms, company_id=company, cause=cause, corrected=expenses, as_of=as_of
            )
            progress(len(plan.lines))
        unprocessed = books.unprocessed(company)
    whole = one_line_json(plan.to_json().decode().rstrip("\n")) + "\n"
    if output is not None:
        with target.stream() as stream:
            stream.write(whole)
    if face == "json" and output is None:
        click.echo(whole, nl=False)
    elif face == "text":
        write_plan(plan, sys.stdout, path=output)
    if unprocessed:
        say(unread_evidence_sentence(unprocessed), err=True)
        return UNRELIABLE
    return 0


@retries.command("run")
@click.argument("plan", metavar="PLAN")
@click.option("--anyway", is_flag=True, help="Though rules or policy have changed.")
@click.option(
    "--wait",
    "wait_min",
    type=click.FloatRange(0, 24 * 60),
    default=0.5,
    show_default=True,
    metavar="MINUTES",
    help="So long for what comes of it.",
)
@account_options
@click.pass_obj
def run_command(
    store: str,
    plan: str,
    *,
    anyway: bool,
    wait_min: float,
    api_key: str | None,
    base_url: str,
) -> int:
    """Send what a plan holds, each line once.

    PLAN is a file of `retries plan`. What becomes of the lines is read as `follow`
    reads it, for --wait minutes; what waits longer goes on when the plan is run again.
    Exits with 2 if something stopped it, or is in doubt.
    """
    named = plan_from(plan)
    if not named.lines:
        say("The plan has no lines: nothing was sent.")
        return 0
    reach = access(api_key, base_url)
    with (
        opened(store, create=False) as books,
        reach.client(books) as full,
        counting("Sending again") as progress,
    ):
        client = full.trying(  # for less than a plan's lease lasts, as a follower does
            attempts_max=TRIES_MAX, wait_all_max_s=TRY_FOR_S, deadline_s=CALL_MAX_S
        )
        result = _run(
            books, client, named, anyway=anyway, wait_s=wait_min * 60, progress=progress
        )
        (outcome,) = books.retries(named.digest)
    write_run(result, outcome, sys.stdout)
    if result.stopped is not None:
        say(f"reconcile: stopped: {shown(result.stopped)}", err=True)
        return UNRELIABLE
    return UNRELIABLE if outcome.counts.get(RetryOutcome.IN_DOUBT) else 0


def _run(
    books: Reconciler,
    client: CodatClient,
    plan: Plan,
    *,
    anyway: bool,
    wait_s: float,
    progress: Callable[[int], None],
) -> RetryRun:
    """Run a plan, and read what comes of it, for so long."""
    dispatch = books.dispatch(
        client.ask,
        actor=ACTOR,
        calls_a_day=lambda: client.quota.figures(utc_now()).limit,
    )
    follower = books.follower(client, holder=holder())
    give_up_at = time.monotonic() + wait_s
    result = dispatch.run(plan, anyway=anyway, progress=progress)
    pause = threading.Event()
    while time.monotonic() < give_up_at and result.stopped is None:
        follower.step()
        if not result.ended:
            more = dispatch.run(plan, anyway=anyway, progress=progress)
            result = result.followed_by(more)
        elif not _is_undecided(books, plan):
            break
        soon = result.due is None or (result.due - utc_now()).total_seconds() < wait_s
        if not soon and not _is_undecided(books, plan):
            break
        pause.wait(min(LOOK_EVERY_S, max(give_up_at - time.monotonic(), 0)))
    return result


def _is_undecided(books: Reconciler, plan: Plan) -> bool:
    (outcome,) = books.retries(plan.digest)
    return bool(outcome.counts.get(RetryOutcome.UNDECIDED))


@retries.command("show")
@click.argument("plan", metavar="[PLAN]", required=False)
@format_option("text", "json")
@click.pass_obj
def show_command(store: str, plan: str | None, face: str) -> int:
    """Show what became of plans that were run.

    PLAN is a file of `retries plan`, or a plan's digest or its beginning. Without it,
    all are listed, oldest first.
    """
    with reading(store) as books, counting("Judging"):
        found = books.retries()
        if plan is not None:
            found = [_chosen(found, plan)]
    if face == "json":
        data = [outcome_data(each) for each in found]
        say_json({"schema": "reconcile.retries/1", "plans": data})
    elif not found:
        say("No plan was run.")
    else:
        stream = sys.stdout
        for each in found:
            write_outcome(each, stream, lines=plan is not None)
    return 0


def _chosen(found: list[PlanOutcome], plan: str) -> PlanOutcome:
    """Return the plan that is meant, by its file, its digest or its beginning."""
    digest = plan if _is_digest(plan) else plan_from(plan).digest
    wanted = digest if digest.startswith("sha256:") else f"sha256:{digest}"
    some = [each for each in found if each.digest.startswith(wanted)]
    if len(some) != 1:
        number = "no plan" if not some else f"{len(some)} plans"
        raise UsageError(f"{number} of the digest {plan} ran here, expected 1")
    return some[0]


_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{1,64}|[0-9a-f]{8,64}").fullmatch


def _is_digest(text: str) -> bool:
    return _DIGEST(text) is not None and not Path(text).exists()


def plan_from(name: str) -> Plan:
    """Return the plan in a file, or on standard input for `-`.

    Raises:
        UsageError: there is no such file, or it holds no plan, or was changed.

    """
    body = bytes_of(name, PLAN_BYTES_MAX, "a plan")
    try:
        return Plan.from_json(body)
    except UsageError as error:
        raise UsageError(f"{shown(name)}: {error}") from error


def _corrections(name: str, dialect: str) -> list[dict[str, Any]]:
    """Return the expenses of a file, checked as `push` checks them."""
    given = read_expenses(name, cast("Dialect", dialect))
    refuse_problems(name, given, "nothing was planned")
    return [*given.items]
