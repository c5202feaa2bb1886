"""The reference, held against the code: nothing missing, and nothing invented."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import click
import pytest

import reconcile
from reconcile import (
    Correction,
    Export,
    ExportManifest,
    LeftOut,
    LeftOutReason,
    Operation,
    Plan,
    PlanLine,
    PlanOutcome,
    Reconciler,
    RetryOutcome,
    RetryPolicy,
    load_policy,
    read_document,
    read_lines,
    to_data,
)
from reconcile.cli.retries_text import outcome_data
from reconcile.cli.root import cli
from reconcile.domain.events import EVENT_TYPES
from reconcile.domain.observations import ExpectedTransaction, Flaw
from reconcile.domain.retry_events import PlannedLine
from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    CodeClass,
    FindingKind,
    ItemState,
    NoticeKind,
    Owner,
    Verdict,
)
from reconcile.report.csv import COLUMNS
from reconcile.report.story import story_data
from reconcile.rules import BUILT_IN
from reconcile.sandbox import Settings
from reconcile.sandbox.scenarios import SCENARIOS
from reconcile.storage.exports.arrow import COLUMNS as EXPORT_COLUMNS
from tests.builders import EXAMPLES, TRANSACTION, at, create, entry, page, row, url
from tests.docs.examples import run_examples
from tests.docs.markdown import DOCS, ROOT, codes, fences, first_cells, quoted, sections

REFERENCE = DOCS / "reference"


def _tree(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with the words that call it."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _tree(child, (*path, name))


def _parameters(command: click.Command) -> set[str]:
    """Return the options in every spelling, and the arguments by their names."""
    named: set[str] = set()
    for parameter in command.get_params(click.Context(command)):
        if isinstance(parameter, click.Argument):
            named.add(parameter.make_metavar(click.Context(command)).strip("[]."))
        else:
            named.update(parameter.opts)
    return named - {"-h", "--help"}


def _fields(kind: Any) -> set[str]:
    return {field.name for field in attrs.fields(kind)}


def test_every_command_and_option_is_documented_and_no_other() -> None:
    documented = {
        quoted(heading)[0]: codes(text)
        for heading, text in sections(REFERENCE / "command-line.md").items()
        if heading.startswith("`reconcile")
    }

    tree = {name: _parameters(item) for name, item in _tree(cli, ("reconcile",))}

    assert documented == tree


def test_the_command_line_shows_what_happens(tmp_path: Path) -> None:
    run_examples(REFERENCE / "command-line.md", tmp_path)


def test_the_page_of_exports_shows_what_happens(tmp_path: Path) -> None:
    run_examples(REFERENCE / "export.md", tmp_path)


def test_every_column_and_field_of_an_export_is_documented_and_no_other() -> None:
    pages = sections(REFERENCE / "export.md")

    assert first_cells(pages["The columns"]) == list(EXPORT_COLUMNS)
    assert set(first_cells(pages["The manifest"])) == _fields(ExportManifest) - {
        "digest"
    }


def test_every_method_of_an_export_is_documented_and_no_other() -> None:
    text = sections(REFERENCE / "api.md")["An export"]

    methods = {
        name
        for name, _ in inspect.getmembers(Export, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {cell.partition("(")[0] for cell in first_cells(text)} == methods


def test_every_public_name_is_documented_and_no_other() -> None:
    text = sections(REFERENCE / "api.md")["Names"]

    assert sorted(first_cells(text)) == sorted(reconcile.__all__)


def test_every_method_of_a_reconciler_is_documented_and_no_other() -> None:
    text = sections(REFERENCE / "api.md")["A reconciler"]

    methods = {
        name
        for name, _ in inspect.getmembers(Reconciler, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {cell.partition("(")[0] for cell in first_cells(text)} == methods


def test_every_event_and_field_is_documented_and_no_other() -> None:
    documented = {
        topic: set(first_cells(text))
        for heading, text in sections(REFERENCE / "events.md").items()
        for topic in quoted(heading)
    }

    assert documented == {
        item.TOPIC: {field.name for field in attrs.fields(item)} for item in EVENT_TYPES
    }


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("A planned line", PlannedLine),
        ("An expected transaction", ExpectedTransaction),
        ("A flaw", Flaw),
    ],
)
def test_the_values_inside_events_are_documented(heading: str, kind: Any) -> None:
    text = sections(REFERENCE / "events.md")[heading]

    assert set(first_cells(text)) == {field.name for field in attrs.fields(kind)}


def _shapes(data: dict[str, Any]) -> dict[str, set[str]]:
    """Return the fields of every object in a report, by the object's heading."""
    item = next(found for found in data["items"] if found["legs"])
    return {
        "The report": set(data),
        "`totals`": set(data["totals"]),
        "An item": set(item),
        "A leg": set(item["legs"][0]),
        "`retry`": set(item["retry"]),
        "A sync": set(data["syncs"][0]),
        "A finding": set(data["findings"][0]),
    }


def test_every_field_of_the_report_is_documented_and_no_other(
    books: Reconciler,
) -> None:
    unknown = entry("GET", url("/syncs/s/status"), answer={"syncStatusCode": 9999})
    books.ingest(read_lines([create("t1"), page(row("t1")), unknown]))

    data = to_data(books.report(as_of=at(60)))

    result = sections(REFERENCE / "report.md")
    for heading, fields in _shapes(data).items():
        assert set(first_cells(result[heading])) == fields, heading


def test_the_digest_can_be_computed_as_documented(tmp_path: Path) -> None:
    run_examples(REFERENCE / "report.md", tmp_path)


def test_every_column_of_the_csv_is_documented_in_order() -> None:
    assert first_cells(sections(REFERENCE / "report.md")["CSV"]) == [*COLUMNS]


def test_every_field_of_a_story_is_documented_and_no_other(books: Reconciler) -> None:
    books.ingest(read_document((EXAMPLES / "page.har").read_bytes()))

    story = story_data(books.explain(TRANSACTION)[0])

    result = sections(REFERENCE / "report.md")
    assert set(first_cells(result["A story"])) == set(story)
    assert set(first_cells(result["`told`"])) == set(story["told"][0])
    assert set(first_cells(result["`judged`"])) == set(story["judged"][0])


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("States", ItemState),
        ("Kinds of break", BreakKind),
        ("Verdicts", Verdict),
        ("Findings", FindingKind),
        ("What a webhook says", NoticeKind),
        ("States of a sync", [*CodeClass, "unknown"]),
        ("Owners", Owner),
        ("Actions", Action),
    ],
)
def test_every_word_is_explained_and_no_other(heading: str, words: Any) -> None:
    text = sections(REFERENCE / "vocabulary.md")[heading]

    assert sorted(first_cells(text)) == sorted(words)


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("A line", {*Operation, "payload_digest"} | _fields(PlanLine)),
        ("What is left out", {*LeftOutReason} | _fields(LeftOut)),
        ("A correction", _fields(Correction)),
        ("A plan", {"schema", "digest", "policy_data"} | _fields(Plan)),
    ],
)
def test_every_field_and_word_of_a_plan_is_documented_and_no_other(
    heading: str, words: set[str]
) -> None:
    text = sections(REFERENCE / "retries.md")[heading]

    assert {*first_cells(text)} == words


def test_every_outcome_of_a_plan_is_documented_and_no_other() -> None:
    text = sections(REFERENCE / "retries.md")["What became of a plan"]
    moment = at(0)
    outcome = PlanOutcome(
        digest="", as_of=moment, actor="", began_at=moment, ended_at=None, lines=()
    )

    assert {*first_cells(text)} == {*RetryOutcome, *outcome_data(outcome)}


def test_the_policy_of_the_reference_is_one_and_the_defaults_are_those_shown() -> None:
    page_text = REFERENCE / "retries.md"
    example = next(f.text for f in fences(page_text) if f.language == "toml")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in sections(page_text)["The policy"].splitlines()
        if line.startswith(tuple(f"| `{owner}`" for owner in Owner))
    ]

    shown = {
        Owner(owner): tuple(map(float, cells))
        for owners, *cells in rows
        for owner in quoted(owners)
    }

    assert load_policy(example).name == "night"
    assert shown == {
        owner: (
            wait.first.total_seconds() / 60,
            wait.factor,
            wait.longest.total_seconds() / 60,
            wait.tries_max,
        )
        for owner, wait in RetryPolicy().owners.items()
    }


def test_the_judgement_page_has_its_sections_and_sixteen_lines() -> None:
    page_of_rules = DOCS / "explanation" / "judgement.md"
    result = sections(page_of_rules)

    numbers = [h.split(".")[0] for h in result if h[0].isdigit()]
    table = next(text for heading, text in result.items() if heading.startswith("8."))
    lines = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 12)]
    assert lines == [str(number) for number in range(1, 17)]


@pytest.mark.parametrize(
    "document",
    [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))],
    ids=lambda path: path.name,
)
def test_no_link_inside_the_docs_is_broken(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8"))

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_setting_and_scenario_of_the_sandbox_is_documented() -> None:
    result = sections(REFERENCE / "sandbox.md")

    settings = {field.name for field in attrs.fields(Settings)}
    assert set(first_cells(result["Settings"])) == settings
    assert set(first_cells(result["Scenarios"])) == set(SCENARIOS)


def test_every_cause_is_documented_as_its_rule_has_it() -> None:
    text = sections(REFERENCE / "ruleset.md")["Causes"]
    shown = [line for line in text.splitlines() if line.startswith("| `")]

    assert shown == [
        f"| `{rule.name}` | {rule.title} | {rule.owner} | `{rule.action}` |"
        f" {rule.verdict} | {'documented' if rule.documented else 'inferred'} |"
        for rule in (*BUILT_IN.rules, BUILT_IN.unclassified)
    ]
