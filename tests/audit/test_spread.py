"""A tie-out by workers, or by an export, finds what one process finds."""

import sqlite3
from concurrent.futures import Executor
from pathlib import Path

import pytest

from reconcile import (
    Export,
    Processes,
    Reconciler,
    UsageError,
    WorkersLostError,
    read_lines,
)
from reconcile.readmodels.parallel import Here
from tests.builders import at, status
from tests.report.histories import COMPANIES, eventful
from tests.workers import Deadly


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return eventful(tmp_path / "books.db")


def spoil(path: Path) -> None:
    """Change rows of the views, and add and delete some, of several companies."""
    with sqlite3.connect(path) as db:
        db.execute(
            "UPDATE items SET state = 'open' WHERE company_id = ?", (COMPANIES[2],)
        )
        db.execute("DELETE FROM syncs WHERE company_id = ?", (COMPANIES[7],))
        db.execute(
            "UPDATE syncs SET company_id = 'unheard' WHERE company_id = ?",
            (COMPANIES[9],),
        )
    db.close()


def found_by(books: Reconciler, executor: Executor | None, export: Export) -> list[str]:
    tied = [
        books.tie_out(),
        books.tie_out(executor=executor),
        books.tie_out(executor=executor, export=export),
        books.tie_out(export=export),
    ]
    return [
        f"{(t.position, t.rows, t.poisoned_at, t.evidence)} {t.differences}"
        for t in tied
    ]


@pytest.mark.parametrize("is_spoiled", [False, True])
def test_the_differences_are_the_same_by_workers_and_by_an_export(
    is_spoiled: bool, store: Path, tmp_path: Path, processes: Executor
) -> None:
    with Reconciler.open(f"sqlite:///{store}") as books:
        books.catch_up()
        books.export(tmp_path / "out")
        if is_spoiled:
            spoil(store)
        with Export.open(tmp_path / "out") as export:
            found = found_by(books, processes, export)
        result = books.tie_out()

    assert len({*found}) == 1
    assert result.poisoned == 1
    assert (len({d.company_id for d in result.differences}) >= 4) is is_spoiled


def test_evidence_is_looked_at_beside_the_workers(store: Path) -> None:
    with Reconciler.open(f"sqlite:///{store}") as books:
        tied = books.tie_out(evidence=True, executor=Here())

        assert tied == books.tie_out(evidence=True)

    assert tied.evidence is not None


def test_an_export_of_another_position_is_refused(store: Path, tmp_path: Path) -> None:
    with Reconciler.open(f"sqlite:///{store}") as books:
        books.export(tmp_path / "out")
        books.ingest(read_lines([status(2000, company="later", minutes=99)]))

        with (
            Export.open(tmp_path / "out") as export,
            pytest.raises(UsageError, match=r"the export ends at position \d+, and"),
        ):
            books.tie_out(export=export)


def test_a_projection_between_the_tasks_makes_no_difference(store: Path) -> None:
    class Busy(Here):
        """Takes something in, and brings the views up to date, after each task."""

        minutes = 100

        def map(self, fn, *iterables, **_):  # type: ignore[no-untyped-def]
            for task in iterables[0]:
                yield fn(task)
                self.minutes += 1
                line = status(2000, company=COMPANIES[4], minutes=self.minutes)
                books.ingest(read_lines([line]))
                books.catch_up()

    with Reconciler.open(f"sqlite:///{store}", now=lambda: at(0)) as books:
        before = books.catch_up()

        tied = books.tie_out(executor=Busy())

        assert tied.differences == []
        assert tied.position == before
        assert books.store.position() > before


def test_a_killed_worker_changes_nothing(store: Path, tmp_path: Path) -> None:
    with Reconciler.open(f"sqlite:///{store}") as books:
        whole = books.tie_out()
        with Processes(2) as inner:
            tied = books.tie_out(executor=Deadly(inner, tmp_path / "died"))
            assert tied == whole
            with pytest.raises(WorkersLostError):
                books.tie_out(executor=Deadly(inner))
