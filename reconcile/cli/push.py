"""The command that sends a file of expenses: read and checked whole, sent in calls."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import attrs
import click

from reconcile.cli.account import accepted, access, account_options, sentence, shown
from reconcile.cli.opening import opened
from reconcile.cli.status import UNRELIABLE
from reconcile.cli.terminal import say
from reconcile.codat.requests import (
    ITEMS_MAX,
    Request,
    create_expenses,
    push_dataset,
    start_sync,
)
from reconcile.domain.identity import canonical_id
from reconcile.domain.instants import EPOCH
from reconcile.errors import InDoubtError, ReconcileError, UsageError
from reconcile.expenses import Dialect, Expenses, read_csv, read_json
from reconcile.live.dispatch import IN_THE_BOOKS, Dispatch
from reconcile.reconciler import Reconciler

ACTOR: Final = "reconcile push"
FILE_BYTES_MAX: Final = 64 * 2**20
_TABLES: Final = (".csv", ".tsv", ".txt")


@attrs.frozen(kw_only=True)
class PushCall:
    """One call's expenses, by their numbers in the file, and its request."""

    numbers: tuple[int, ...]
    request: Request

    @property
    def what(self) -> str:
        """Return which expenses they are."""
        some = "expense" if len(self.numbers) == 1 else "expenses"
        return f"{some} {_spans(self.numbers)}"


def _spans(numbers: Sequence[int]) -> str:
    """Return ascending numbers as in `1 to 3, 5`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join(" to ".join(map(str, span)) for span in spans)


@click.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--company",
    required=True,
    metavar="ID",
    help="The company that the expenses belong to.",
)
@click.option(
    "--dialect",
    type=click.Choice(["v1", "current"]),
    default="current",
    show_default=True,
    help="v1 pushes a dataset to sync later; current syncs it at once.",
)
@click.option(
    "--encoding",
    metavar="NAME",
    help="Of a file that is not in UTF-8.",
)
@click.option(
    "--ignore-other-columns",
    is_flag=True,
    help="Leave out columns that are not known.",
)
@click.option(
    "--new-only",
    is_flag=True,
    help="Pass over what is in the books, or waits.",
)
@click.option("--sync", "start", is_flag=True, help="Start the sync too (v1).")
@account_options
@click.pass_obj
def push(
    store: str,
    file: str,
    company: str,
    dialect: str,
    start: bool,
    encoding: str | None,
    ignore_other_columns: bool,
    new_only: bool,
    api_key: str | None,
    base_url: str,
) -> int:
    """Send the expenses of a file.

    FILE is a .json or a .csv file, or - for JSON from standard input. The whole file is
    checked before anything is sent. A call carries at most 50 expenses. A call whose
    answer is lost is in doubt, and is not sent again.
    """
    spoken = cast("Dialect", dialect)
    given = read_expenses(
        file, spoken, encoding=encoding, ignore_other_columns=ignore_other_columns
    )
    if given.left_out:
        columns = ", ".join(map(json.dumps, given.left_out))
        say(shown(f"{file}: left out, as they are not known: {columns}"), err=True)
    refuse_problems(file, given, "nothing was sent")
    reach = access(api_key, base_url)
    company_id = canonical_id(company)
    numbers = [*range(1, len(given.items) + 1)]
    next(_calls(company_id, given, spoken, numbers))  # refuses what is no company's id
    with opened(store) as books, reach.client(books) as client:
        dispatch = books.dispatch(client.ask, actor=ACTOR)
        if (spoken == "current" or start) and not new_only:
            _refuse_doubtful(dispatch, company_id, given)
        reasons = _not_to_be_sent(books, dispatch, company_id, given, spoken)
        given, numbers = _new_of(given, reasons, file, new_only=new_only)
        calls = [*_calls(company_id, given, spoken, numbers)]
        if spoken == "current":
            return _create(dispatch, company_id, calls)
        return _push(dispatch, company_id, calls, start=start)


def read_expenses(
    name: str,
    dialect: Dialect,
    *,
    encoding: str | None = None,
    ignore_other_columns: bool = False,
) -> Expenses:
    """Return what a file holds.

    Raises:
        UsageError: there is no such file, or it is none we read.

    """
    if name == "-":
        body = _bounded(sys.stdin.buffer.read, "standard input")
        return read_json(body, dialect, encoding=encoding)
    path = Path(name)
    absent = _why_no_file(path)
    if absent is not None:
        raise UsageError(f"{shown(name)} {absent}, expected a file")
    if path.suffix.lower() not in (".json", *_TABLES):
        raise UsageError(
            f"{shown(name)} is neither a .json nor a .csv file, expected one of them,"
            " such as a workbook saved as CSV UTF-8"
        )
    with path.open("rb") as stream:
        body = _bounded(stream.read, shown(name))
    if path.suffix.lower() == ".json":
        return read_json(body, dialect, encoding=encoding)
    return read_csv(
        body, dialect, encoding=encoding, ignore_other_columns=ignore_other_columns
    )


def refuse_problems(name: str, given: Expenses, so: str) -> None:
    """Say all that is wrong with a file of expenses, and what comes of it.

    Raises:
        UsageError: something is.

    """
    if not given.problems:
        return
    for problem in given.problems:
        say(shown(f"{name}: {problem}"), err=True)
    number = len(given.problems)
    problems = "1 problem" if number == 1 else f"{number} problems"
    raise UsageError(f"{so}: {problems} in {shown(name)}")


def _why_no_file(path: Path) -> str | None:
    """Return what a path is in place of a file, None where it is one."""
    try:
        if path.is_file():
            return None
        return "is a folder" if path.is_dir() else "does not exist"
    except (OSError, ValueError):  # no system takes such a name
        return "does not exist"


def _bounded(read: Callable[[int], bytes], name: str) -> bytes:
    body = read(FILE_BYTES_MAX + 1)
    if len(body) > FILE_BYTES_MAX:
        raise UsageError(
            f"{name} is larger than {FILE_BYTES_MAX} bytes, expected smaller files"
        )
    return body


def _calls(
    company_id: str, given: Expenses, dialect: Dialect, numbers: list[int]
) -> Iterator[PushCall]:
    request_of = create_expenses if dialect == "current" else push_dataset
    for at in range(0, len(given.items), ITEMS_MAX):
        items = given.items[at : at + ITEMS_MAX]
        yield PushCall(
            numbers=tuple(numbers[at : at + len(items)]),
            request=request_of(company_id, items),
        )


def _ids_of(given: Expenses) -> list[str]:
    return [canonical_id(str(item["id"])) for item in given.items]


def _not_to_be_sent(
    books: Reconciler,
    dispatch: Dispatch,
    company_id: str,
    given: Expenses,
    dialect: Dialect,
) -> Mapping[str, str]:
    """Return which expenses are not to be sent again, and why.

    A dataset that nobody syncs does nothing: what was only pushed may be pushed again.
    """
    reasons = books.not_to_be_sent(company_id, _ids_of(given))
    if dialect == "current" or not reasons:
        return reasons
    ledger = dispatch.ledger(company_id)
    asked = [
        state.asked
        for state in (*ledger.in_doubt(), *ledger.under_way(since=EPOCH))
        if state.asked is not None
    ]
    synced = frozenset[str]().union(*map(ledger.names, asked))
    return {
        name: reason
        for name, reason in reasons.items()
        if reason == IN_THE_BOOKS or name in synced
    }


def _new_of(
    given: Expenses, reasons: Mapping[str, str], file: str, *, new_only: bool
) -> tuple[Expenses, list[int]]:
    """Return the expenses that may be sent with their numbers; the others are told.

    Raises:
        UsageError: some may not, and the rest is not asked for; or none may.

    """
    ids = _ids_of(given)
    stopped = [name in reasons for name in ids]
    for name, place, stop in zip(ids, given.places, stopped, strict=True):
        if stop:
            line = f"{file}: {place}: expense {name} {reasons[name]}"
            say(shown(line), err=True)
    if any(stopped) and not new_only:
        number = sum(stopped)
        some = "1 expense is" if number == 1 else f"{number} expenses are"
        raise UsageError(
            f"nothing was sent: {some} not to be sent again,"
            " expected new ones, or --new-only to send the rest"
        )
    if all(stopped):
        raise UsageError("nothing was sent: no expense of the file is new")
    rest = [n for n, stop in enumerate(stopped) if not stop]
    return Expenses(
        items=tuple(given.items[n] for n in rest),
        places=tuple(given.places[n] for n in rest),
    ), [n + 1 for n in rest]


def _refuse_doubtful(dispatch: Dispatch, company_id: str, given: Expenses) -> None:
    """Refuse the whole file where an expense of it is in doubt, not half of it later.

    Raises:
        InDoubtError: one is.

    """
    ledger = dispatch.ledger(company_id)
    named = {*_ids_of(given)}
    for state in ledger.in_doubt():
        both = named & ledger.names(state.asked) if state.asked else set()
        if both:
            reason = (
                f"nothing was sent: whether expense {min(both)} arrived with request"
                f" {state.request_id} is in doubt"
            )
            error = InDoubtError(reason, request_id=state.request_id)
            reason_and_remedy = sentence(error, company_id)
            raise InDoubtError(reason_and_remedy, request_id=state.request_id)


def _create(dispatch: Dispatch, company_id: str, calls: list[PushCall]) -> int:
    for number, call in enumerate(calls):
        try:
            sync_id = accepted(dispatch.send(call.request).answer, "syncId")
        except ReconcileError as error:
            return _stopped(calls[number:], sentence(error, company_id))
        say(f"Codat accepted {call.what}: sync {shown(sync_id)}.")
    return 0


def _push(
    dispatch: Dispatch, company_id: str, calls: list[PushCall], *, start: bool
) -> int:
    datasets: list[str] = []
    for number, call in enumerate(calls):
        try:
            dataset_id = accepted(dispatch.send(call.request).answer, "datasetId")
        except ReconcileError as error:
            reason = sentence(error, company_id, writes=False)
            return _stopped(calls[number:], reason)
        say(f"Codat accepted {call.what}: dataset {shown(dataset_id)}.")
        datasets.append(dataset_id)
    if not start:
        sync = ["reconcile", "sync", "--company", company_id, *datasets]
        say(f"To have them written: {shown(shlex.join(sync))}")
        return 0
    started(dispatch, company_id, datasets)
    return 0


def started(dispatch: Dispatch, company_id: str, datasets: list[str]) -> None:
    """Start one sync of datasets, and say so.

    Raises:
        UsageError: it was not started, or nobody knows; the sentence says which.

    """
    try:
        sent = dispatch.send(start_sync(company_id, datasets))
        sync_id = accepted(sent.answer, "syncId")
    except ReconcileError as error:
        reason = sentence(error, company_id)
        raise UsageError(f"no sync is known to have started: {reason}") from error
    number = f"{len(datasets)} datasets" if len(datasets) > 1 else "1 dataset"
    say(f"Codat accepted {number} for sync {shown(sync_id)}.")


def _stopped(rest: list[PushCall], reason: str) -> int:
    """Say which call went wrong, and what was not sent because of it."""
    say(f"reconcile: {rest[0].what}: {reason}", err=True)
    if len(rest) > 1:
        numbers = [number for call in rest[1:] for number in call.numbers]
        some, were = ("Expense", "was") if len(numbers) == 1 else ("Expenses", "were")
        say(f"{some} {_spans(numbers)} {were} not sent.", err=True)
    return UNRELIABLE
