"""However many workers make a report, it is the one that one process makes."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import (
    Export,
    Policy,
    Processes,
    Reconciler,
    Report,
    UsageError,
    WorkersLostError,
    digest,
    load_rules,
    read_lines,
    to_data,
)
from reconcile.cli.dask import dask_executor
from reconcile.readmodels.parallel import Here
from reconcile.report.csv import to_csv
from tests.builders import COMPANY, at
from tests.report.histories import COMPANIES, LATER, eventful
from tests.strategies import traffic
from tests.workers import Deadly

NOW = at(60 * 70)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store in which everything happens."""
    return f"sqlite:///{eventful(tmp_path_factory.mktemp('store') / 'books.db')}"


@pytest.fixture(scope="module")
def exported(store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of its export."""
    folder = tmp_path_factory.mktemp("exports") / "whole"
    with Reconciler.open(store) as books:
        books.export(folder)
    return folder


@contextmanager
def working(way: str, request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Give the executor of a way to work."""
    match way:
        case "here":
            yield Here()
        case "processes":
            yield request.getfixturevalue("processes")
        case _:
            with dask_executor(request.getfixturevalue("cluster")) as executor:
                yield executor


WAYS = ("here", "processes", "dask")


def test_the_history_has_all_that_is_found_across_companies(store: str) -> None:
    with Reconciler.open(store) as books:
        report = books.replayed_report(as_of=LATER)

    found = {finding.kind.value for finding in report.findings}
    assert found >= {"ELSEWHERE", "SAME_ID_OTHER_BODY"}
    assert (report.unprocessed, report.poisoned) == (2, 1)
    assert report.totals.resolved == 1
    assert len(report.shares) == len(COMPANIES)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("source", ["store", "export"])
def test_every_way_gives_the_same_report(
    way: str, source: str, store: str, exported: Path, request: pytest.FixtureRequest
) -> None:
    with (
        Reconciler.open(store) as books,
        Export.open(exported) as export,
        working(way, request) as executor,
    ):
        whole = books.replayed_report(as_of=LATER)
        reports = books.replayed_report if source == "store" else export.report
        spread = reports(as_of=LATER, executor=executor)
        brief = reports(as_of=LATER, executor=executor, settled=False)

    assert to_data(spread) == to_data(whole)
    assert spread.items == whole.items
    assert brief.totals == whole.totals
    assert brief.findings == whole.findings
    assert brief.groups == whole.groups
    assert digest(brief) == digest(whole)
    states = {row.item.state.value for row in brief.items}
    assert states == {"break"}
    with pytest.raises(UsageError, match="open and broken expenses alone"):
        to_data(brief)


@pytest.mark.parametrize(
    "narrowed",
    [
        {"month": "2026-03"},
        {"month": "2025-01"},
        {"state": "break"},
        {"state": "matched"},
        {"cause": "unexplained"},
        *({"company_id": company} for company in COMPANIES[::4]),
        {"company_id": "nobody"},
        {"company_id": COMPANIES[0], "state": "break"},
    ],
    ids=str,
)
def test_a_narrowed_report_is_the_same_too(
    narrowed: dict[str, Any], store: str, exported: Path
) -> None:
    with Reconciler.open(store) as books, Export.open(exported) as export:
        for as_of in (at(1), at(2.5), at(8), LATER):
            whole = to_data(books.replayed_report(as_of=as_of, **narrowed))
            spread = books.replayed_report(as_of=as_of, executor=Here(), **narrowed)

            assert to_data(spread) == whole
            assert to_data(export.report(as_of=as_of, **narrowed)) == whole


def test_what_was_known_at_each_moment_is_the_same_too(
    store: str, exported: Path
) -> None:
    with Reconciler.open(store) as books, Export.open(exported) as export:
        for minutes in range(-1, 16):
            known_at = at(minutes)
            whole = books.replayed_report(as_of=LATER, known_at=known_at)

            assert to_data(export.report(as_of=LATER, known_at=known_at)) == to_data(
                whole
            )


def test_own_rules_and_waits_go_to_the_workers(
    store: str, exported: Path, processes: Executor
) -> None:
    rules = load_rules(
        'name = "own"\nversion = 7\nextends = "codat"\n', where="own.toml"
    )
    policy = Policy(undecided_for=LATER - at(0))
    with (
        Reconciler.open(store, rules=rules, policy=policy) as books,
        Export.open(exported, rules=rules, policy=policy) as export,
    ):
        whole = to_data(books.replayed_report(as_of=LATER))
        spread = to_data(export.report(as_of=LATER, executor=processes))

    assert whole["ruleset"] == "own@7"
    assert spread == whole


@contextmanager
def books_of(lines: list[tuple[bytes, str]]) -> Iterator[Reconciler]:
    """Give a store of traffic, each line of a company."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{folder}/books.db", now=lambda: NOW) as books,
    ):
        captured = [
            line.replace(COMPANY.encode(), company.encode()) for line, company in lines
        ]
        books.ingest(read_lines(captured))
        yield books


@settings(max_examples=60)
@given(
    lines=traffic(),
    companies=st.lists(st.sampled_from("abc"), min_size=14, max_size=14),
    as_of=st.sampled_from([at(3), at(40), NOW]),
    scope=st.sampled_from([None, "a", "b"]),
)
def test_any_traffic_gives_the_same_report(
    lines: list[bytes], companies: list[str], as_of: datetime, scope: str | None
) -> None:
    with books_of([*zip(lines, companies, strict=False)]) as books:
        whole = books.replayed_report(as_of=as_of, company_id=scope)
        spread = books.replayed_report(as_of=as_of, company_id=scope, executor=Here())

    assert spread.items == whole.items
    assert to_data(spread) == to_data(whole)


@pytest.mark.parametrize("way", ["processes", "dask"])
def test_a_worker_killed_in_the_middle_changes_nothing(
    way: str, exported: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    marker = tmp_path / "died"
    with Export.open(exported) as export:
        whole = digest(export.report(as_of=LATER))
        if way == "processes":
            with Processes(2) as inner:
                spread = export.report(as_of=LATER, executor=Deadly(inner, marker))
        else:
            with working(way, request) as inner:
                spread = export.report(as_of=LATER, executor=Deadly(inner, marker))

    assert marker.exists()
    assert digest(spread) == whole


def test_workers_that_always_die_are_one_error(exported: Path) -> None:
    with (
        Export.open(exported) as export,
        Processes(2) as inner,
        pytest.raises(WorkersLostError, match="ended twice"),
    ):
        export.report(as_of=LATER, executor=Deadly(inner))


def test_causes_by_workers_are_the_same(
    store: str, exported: Path, processes: Executor
) -> None:
    with Reconciler.open(store, now=lambda: LATER) as books:
        groups = books.causes(as_of=LATER)
        with Export.open(exported, now=lambda: LATER) as export:
            assert export.causes(executor=processes) == groups
            assert books.causes(executor=processes) == groups


def test_a_store_without_a_url_has_no_workers(store: str) -> None:
    with Reconciler.open(store) as opened:
        books = Reconciler(opened.store)
        with pytest.raises(UsageError, match="without a URL"):
            books.replayed_report(as_of=LATER, executor=Here())


def test_a_report_without_what_is_settled_has_no_csv(exported: Path) -> None:
    with Export.open(exported) as export:
        brief: Report = export.report(as_of=LATER, settled=False)

    with pytest.raises(UsageError, match="open and broken"):
        next(to_csv(brief))
