"""`rules`: what the ruleset knows of a store's failures, and whether it holds."""

from collections.abc import Iterable
from typing import Any, Final

import attrs
import click

from reconcile.cli.arguments import format_option
from reconcile.cli.opening import reading, rules_from, rules_in_use
from reconcile.cli.progress import counting
from reconcile.cli.status import UNRELIABLE
from reconcile.cli.terminal import say, say_json
from reconcile.domain.vocabulary import ItemState
from reconcile.foreign import one_line
from reconcile.judgement.reasons import plain
from reconcile.report.groups import Judged
from reconcile.rules import Ruleset


@click.group()
def rules() -> None:
    """Check the rules that class failures."""


@rules.command("test")
@click.argument("file", required=False, metavar="[FILE]")
def test(file: str | None) -> int:
    """Try the examples of every rule.

    FILE is a ruleset; without it, the rules in use are tried. Exits with 2 if a rule
    does not class its examples as it says.
    """
    ruleset = rules_in_use() if file is None else rules_from(file)
    faults = list(ruleset.faults())
    for rule, why in faults:
        say(f"{rule.name}: {why}", err=True)
    examples = sum(len(r.matches) + len(r.matches_not) for r in ruleset.rules)
    say(
        f"{ruleset.label}: {len(ruleset.rules)} rules, {examples} examples,"
        f" {len(faults)} not as they say."
    )
    return UNRELIABLE if faults else 0


@attrs.define(kw_only=True)
class _Known:
    """How many breaks one cause, told in like words, is behind."""

    cause: str
    fingerprint: str
    companies: set[str] = attrs.field(factory=set)
    items: int = 0
    example: str


@rules.command("check")
@click.option("--company", metavar="ID", help="Only this company.")
@format_option("text", "json")
@click.pass_obj
def check(store: str, company: str | None, face: str) -> int:
    """Tell which failures no rule knows.

    Of the breaks in the store: how many a rule knows by their words, how many only by
    a code, and each failure that no rule knows, with an example.
    """
    with reading(store) as books, counting("Judging"):
        books.store.check()
        report = books.report(company_id=company)
        ruleset = books.rules
    known = _known(report.items)
    if face == "json":
        say_json(_data(known, ruleset))
        return 0
    general = {rule.name for rule in ruleset.rules if rule.general}
    strangers = [k for k in known if k.cause == ruleset.unclassified.name]
    by_code = [k for k in known if k.cause in general]
    say(
        f"{ruleset.label}: {_items(known)} failures, {_items(by_code)} known by a code"
        f" alone, {_items(strangers)} not known."
    )
    for row in strangers + by_code:
        say(f"  {row.items:>6}  {row.fingerprint}  {row.cause}: {row.example}")
    return 0


def _known(items: Iterable[Judged]) -> list[_Known]:
    """Return the causes behind breaks, those of most items first."""
    known: dict[tuple[str, str], _Known] = {}
    for judged in items:
        item = judged.item
        if item.state is not ItemState.BREAK or item.cause is None:
            continue
        key = item.cause, item.fingerprint or ""
        row = known.get(key)
        if row is None:
            messages = [leg.message for leg in item.legs if leg.message]
            words = plain(min(messages)) if messages else item.reason
            row = known[key] = _Known(
                cause=key[0], fingerprint=key[1], example=_short(words)
            )
        row.items += 1
        row.companies.add(judged.company_id)
    return sorted(known.values(), key=lambda row: (-row.items, row.fingerprint))


def _short(words: str) -> str:
    line = one_line(words)
    return line if len(line) <= _EXAMPLE_MAX else f"{line[:_EXAMPLE_MAX]}…"


_EXAMPLE_MAX: Final = 160


def _items(known: Iterable[_Known]) -> int:
    return sum(row.items for row in known)


def _data(known: Iterable[_Known], ruleset: Ruleset) -> dict[str, Any]:
    general = {rule.name for rule in ruleset.rules if rule.general}
    return {
        "schema": "reconcile.rules-check/1",
        "ruleset": ruleset.label,
        "failures": [
            {
                "cause": row.cause,
                "fingerprint": row.fingerprint,
                "known_by": "nothing"
                if row.cause == ruleset.unclassified.name
                else "code"
                if row.cause in general
                else "words",
                "items": row.items,
                "companies": len(row.companies),
                "example": row.example,
            }
            for row in known
        ],
    }
