"""The commands of stores: made, copied, and their views kept up to date."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconcile import Reconciler, read_lines
from tests.builders import create, uuid_of
from tests.engines import POSTGRES, new_schema, new_store
from tests.stories.test_command_line import Shell

COMMAND = str(Path(sys.executable).parent / "reconcile")
PATIENCE_S = 60.0


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_tables_are_made_by_migrate_and_by_nothing_else(shell: Shell) -> None:
    with new_schema() as url:
        before = shell.run("--store", url, "ingest", "-", given=create("t1"))
        migrated = shell.run("--store", url, "migrate")
        again = shell.run("--store", url, "migrate")
        after = shell.run("--store", url, "ingest", "-", given=create("t1"))

    assert before.returncode == 2
    assert before.stderr.count("\n") == 1
    assert "expected its tables: `reconcile migrate` makes them" in before.stderr
    assert (migrated.returncode, again.returncode, after.returncode) == (0, 0, 0)
    assert migrated.stdout.splitlines()[0] == "0001 history: done"
    assert again.stdout == "The store is up to date.\n"


def test_the_sql_of_a_new_store_is_printed_for_others_to_run(shell: Shell) -> None:
    with new_schema() as url:
        printed = shell.run("--store", url, "migrate", "--sql", "--writer", "clerk")
        there = shell.run("--store", url, "doctor")

    assert printed.returncode == 0
    assert printed.stdout.startswith("CREATE SCHEMA")
    assert 'TO "clerk"' in printed.stdout
    assert "there is no store" in there.stdout  # nothing was made


def test_a_file_is_made_too_and_knows_no_role(shell: Shell) -> None:
    migrated = shell.run("migrate")
    refused = shell.run("migrate", "--writer", "clerk")

    assert migrated.returncode == 0
    assert (shell.folder / "reconcile.db").exists()
    assert refused.returncode == 2
    assert refused.stderr == (
        "reconcile: a file knows no role 'clerk', expected a role of a PostgreSQL"
        " store\n"
    )


def test_a_copy_says_how_far_both_stores_agree(shell: Shell) -> None:
    shell.run("ingest", "-", given=create("t1"))
    with new_store(POSTGRES) as url:
        copied = shell.run("copy", "sqlite:///reconcile.db", url)
        itself = shell.run("copy", url, url)

    assert copied.returncode == 0
    assert copied.stdout.startswith("Copied 1 event and 1 piece of evidence. Both")
    assert itself.returncode == 2
    assert itself.stderr.count("\n") == 1


def test_views_are_kept_up_to_date_by_several_that_may_die(
    tmp_path: Path,
) -> None:
    with new_store(POSTGRES) as url, Reconciler.open(url) as books:
        running = subprocess.Popen(
            [COMMAND, "--store", url, "project", "--workers", "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        )
        try:
            books.ingest(read_lines([create(uuid_of(1))]))
            until(lambda: lag(books) == 0)
            workers = until(lambda: children_of(running.pid))
            os.kill(workers[0], signal.SIGKILL)
            books.ingest(read_lines([create(uuid_of(2), sync="s2", minutes=2)]))
            until(lambda: lag(books) == 0)
            running.send_signal(signal.SIGINT)
            _, written = running.communicate(timeout=PATIENCE_S)
        finally:
            running.kill()

        assert running.returncode == 0
        assert b"Traceback" not in written
        assert books.tie_out().differences == []


def lag(books: Reconciler) -> int:
    """Return how far the views are behind, without bringing them up to date."""
    with books.store.reading() as views:
        return books.store.position() - views.position()


def children_of(pid: int) -> list[int]:
    """Return the processes that a process began to project with."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


def until(asked: Callable[[], Any]) -> Any:
    """Return what is asked for, as soon as it is true."""
    over_at = time.monotonic() + PATIENCE_S
    while not (found := asked()):
        assert time.monotonic() < over_at
        time.sleep(0.05)
    return found


def test_views_are_brought_up_to_date_once(shell: Shell) -> None:
    shell.run("ingest", "-", given=create("t1"))

    projected = shell.run("project", "--once")
    wrong = shell.run("project", "--workers", "0")

    assert projected.stdout == "The views are up to date, at position 1.\n"
    assert wrong.returncode == 2
