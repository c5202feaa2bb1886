"""Commands of a store: arguments in, the façade called, an answer and a status out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from reconcile.cli import text
from reconcile.cli.arguments import MOMENT, format_option
from reconcile.cli.opening import opened, reading
from reconcile.cli.output import Output
from reconcile.cli.page import PageOptions, page_options, pinned, pinned_report
from reconcile.cli.progress import counting
from reconcile.cli.report_text import write_causes, write_report
from reconcile.cli.sources import Source
from reconcile.cli.status import BROKEN, UNRELIABLE
from reconcile.cli.terminal import say, say_json
from reconcile.cli.workers import Spreading, spreading_options
from reconcile.codat.client.account import utc_now
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import UsageError
from reconcile.foreign import one_line_json
from reconcile.intake.take import Intake
from reconcile.reconciler import Reconciler
from reconcile.report.build import Report, ReportStream
from reconcile.report.csv import BYTE_ORDER_MARK, causes_csv, to_csv
from reconcile.report.story import SCHEMA as STORY_SCHEMA
from reconcile.report.story import story_data
from reconcile.report.wire import causes_data, to_json


@contextmanager
def _opened(store: str, *, writes: bool = False) -> Iterator[Reconciler]:
    """Open a store that is there; it is looked at for damage first."""
    with opened(store, create=False) if writes else reading(store) as books:
        books.store.check()
        yield books


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.pass_obj
def ingest(store: str, files: tuple[str, ...]) -> int:
    """Read captured traffic into the store.

    A FILE is a HAR document or JSON lines of HAR entries, plain, packed with gzip or
    in a zip; - is standard input. What was read before changes nothing.
    """
    sources = [(name, Source(name)) for name in files]
    intakes: list[Intake] = []
    with opened(store) as books:
        for name, source in sources:
            with counting(f"Reading {name}") as progress:
                intakes.append(books.ingest(source.captures(), progress=progress))
    return _intake_status(intakes)


def _intake_status(intakes: list[Intake]) -> int:
    say(text.intake_sentence(intakes))
    unread = [capture for intake in intakes for capture in intake.unread]
    for capture in unread:
        say(text.unread_sentence(capture), err=True)
    return UNRELIABLE if unread else 0


_COMPANY = click.option("--company", metavar="ID", help="Only this company.")
_AS_OF = click.option(
    "--as-of",
    type=MOMENT,
    metavar="T",
    help="As things stood at T: a date, or a time with a zone.",
)
_KNOWN_AT = click.option(
    "--known-at", type=MOMENT, metavar="T", help="Use only what was recorded by T."
)
_MONTH = click.option(
    "--month",
    metavar="YYYY-MM",
    help="Only expenses with an issue date in this month.",
)


@click.command()
@_COMPANY
@_AS_OF
@_KNOWN_AT
@_MONTH
@click.option(
    "--cause",
    metavar="ID",
    help="Only expenses of this cause: its name, or its fingerprint.",
)
@click.option(
    "--state",
    type=click.Choice([state.value for state in ItemState]),
    help="Only expenses of this state.",
)
@click.option("--items", is_flag=True, help="List every expense, sync and finding.")
@format_option("text", "json", "csv", "html")
@page_options
@click.option(
    "--output",
    metavar="FILE",
    help="Write to this file, not to standard output.",
)
@spreading_options
@click.pass_obj
def report(
    store: str,
    company: str | None,
    as_of: datetime | None,
    known_at: datetime | None,
    month: str | None,
    cause: str | None,
    state: str | None,
    items: bool,
    face: str,
    output: str | None,
    page: PageOptions,
    spreading: Spreading,
) -> int:
    """Report every expense, and what went wrong.

    As text: what went wrong, cause by cause, with whose move it is and what to do. As
    JSON or CSV: each expense. As HTML: a page to mail, print and keep. Exits with 1 if
    there are breaks, with 2 if evidence could not be read.
    """
    page.check(face, items=items)
    target = Output.checked(output, store=store, inputs=[*spreading.files, *page.files])
    asked = {"company_id": company, "month": month, "cause": cause, "state": state}
    as_it_stands = as_of is None and known_at is None
    listed = items or face != "text"
    with spreading.reports(store, settled=listed) as books:
        if company is not None and not books.knows(company):
            say(f"Nothing is recorded of company {company}.", err=True)
        if isinstance(books, Reconciler) and as_it_stands and face != "text":
            with books.streamed_report(**asked) as live:
                stream = pinned(live, books) if face == "html" else live
                _write(stream, face, target, page, items=items)
                result = stream.rest()
        else:
            with counting("Judging") as progress:
                result = books.report(as_of=as_of, known_at=known_at, **asked)
                progress(result.totals.items)
            if face == "html":
                result = pinned_report(result, books, at=utc_now())
            _write(result, face, target, page, items=items)
    if cause is not None and not result.totals.items:
        say(f"No expense of this report has the cause {cause}.", err=True)
    return _report_status(result)


def _write(
    report: Report | ReportStream,
    face: str,
    target: Output,
    page: PageOptions,
    *,
    items: bool,
) -> None:
    """Write a report as it was asked for; text is of one that is whole."""
    with target.stream() as stream:
        if isinstance(report, Report) and face == "text":
            write_report(report, stream, items=items)
        elif face == "html":
            page.write(report, stream)
        elif face == "csv":
            if target.path is not None:
                stream.write(BYTE_ORDER_MARK)
            for line in to_csv(report):
                stream.write(line)
        else:
            for piece in to_json(report):
                stream.write(one_line_json(piece.decode()))
            stream.write("\n")


def _report_status(result: Report) -> int:
    if result.unprocessed or result.poisoned:
        say(text.unreliable_sentence(result), err=True)
        return UNRELIABLE
    return BROKEN if result.totals.broken else 0


@click.command()
@_COMPANY
@_AS_OF
@_KNOWN_AT
@_MONTH
@format_option("text", "json", "csv")
@spreading_options
@click.pass_obj
def causes(
    store: str,
    company: str | None,
    as_of: datetime | None,
    known_at: datetime | None,
    month: str | None,
    face: str,
    spreading: Spreading,
) -> int:
    """Tell why expenses are broken, cause by cause.

    Largest first, each with its money, whose move it is and what to do. Exits with 1
    if there are breaks, with 2 if evidence could not be read.
    """
    with spreading.reports(store, settled=False) as books, counting("Judging"):
        if company is not None and not books.knows(company):
            say(f"Nothing is recorded of company {company}.", err=True)
        result = books.report(
            as_of=as_of, known_at=known_at, company_id=company, month=month
        )
    match face:
        case "json":
            say_json(causes_data(result))
        case "csv":
            for line in causes_csv(result):
                sys.stdout.write(line)
        case _:
            write_causes(result, sys.stdout)
    return _report_status(result)


@click.command()
@click.argument("transaction")
@_COMPANY
@_AS_OF
@format_option("text", "json")
@click.pass_obj
def explain(
    store: str,
    transaction: str,
    company: str | None,
    as_of: datetime | None,
    face: str,
) -> int:
    """Tell the story of one transaction.

    Oldest first: what was sent, each report with the digest of its bytes, and each
    change of judgement with the rule behind it.
    """
    with _opened(store) as books, counting("Judging"):
        stories = books.explain(transaction, company_id=company, as_of=as_of)
        unprocessed = books.unprocessed(company)
    if face == "json":
        data_of_stories = [story_data(story) for story in stories]
        data = {"schema": STORY_SCHEMA, "stories": data_of_stories}
        say_json(data)
    else:
        for story in stories:
            text.write_story(story, sys.stdout)
    if unprocessed:
        say(text.unread_evidence_sentence(unprocessed), err=True)
        return UNRELIABLE
    return 0


@click.command()
@click.option(
    "--set-aside",
    "digest",
    metavar="DIGEST",
    help="Set aside the evidence with this digest.",
)
@click.option("--actor", metavar="A", help="Who decides.")
@click.option("--reason", metavar="R", help="Why.")
@click.option("--scrub", is_flag=True, help="Take out what was kept of others.")
@click.pass_obj
def reprocess(
    store: str,
    digest: str | None,
    actor: str | None,
    reason: str | None,
    *,
    scrub: bool,
) -> int:
    """Read again what could not be read.

    With --set-aside, a person decides that one piece of evidence is not needed: bytes
    in quarantine, or a webhook such as Codat's example event. With --scrub, credentials
    and other hosts' bytes that earlier versions kept are taken out of the store, for
    good.
    """
    if scrub and digest is not None:
        raise UsageError("--scrub was given with --set-aside, expected one of them")
    if digest is None and (actor or reason):
        raise UsageError("--actor and --reason were given without --set-aside")
    if digest is not None and not (actor and reason):
        raise UsageError("--set-aside was given without --actor and --reason")
    with _opened(store, writes=True) as books:
        if digest is not None:
            books.set_aside(digest, actor=actor or "", reason=reason or "")
            say(f"Set aside {digest}.")
            return 0
        if scrub:
            say(text.scrubbing_sentence(books.scrub()))
        with counting("Reading again") as progress:
            again = books.reprocess(progress=progress)
    if not (again.read or again.unread):
        say("Quarantine is empty.")
        return 0
    return _intake_status([again])
