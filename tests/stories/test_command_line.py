"""The command as it is installed: exit statuses, sentences, and never a traceback."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import create, entry, har, page, row, status, url
from tests.engines import environment_at

COMMAND = str(Path(sys.executable).parent / "reconcile")
LATER = "2026-03-05T00:00:00Z"
MATCHED = [create("t1"), status(2000, minutes=1), page(row("t1"), minutes=2)]
BROKEN = [create("t1"), page(row("t1", "PushError"), minutes=2)]


class Shell:
    """Runs the command in a folder, on a store there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(
        self, *arguments: str, given: bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Return how the command ended; it never shows a traceback."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RECONCILE", "NO_COLOR", "FORCE_COLOR"))
        }
        ended = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**clean, **environment_at(self.folder), **environment},
            input=given,
            capture_output=True,
            timeout=60,
            check=False,
        )
        result = subprocess.CompletedProcess(
            ended.args, ended.returncode, ended.stdout.decode(), ended.stderr.decode()
        )
        assert "Traceback" not in result.stderr
        return result

    def write(self, name: str, content: bytes) -> str:
        """Return the name of a file that holds the content."""
        (self.folder / name).write_bytes(content)
        return name


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.usefixtures("engine")
def test_broken_expenses_end_a_report_with_one(shell: Shell) -> None:
    name = shell.write("a.har", har(BROKEN))

    taken = shell.run("ingest", name)
    text = shell.run("report", "--as-of", LATER)

    assert (taken.returncode, taken.stderr) == (0, "")
    assert taken.stdout == "2 read, 0 seen before, 0 quarantined, 0 other traffic.\n"
    assert (text.returncode, text.stderr) == (1, "")
    assert "0 open, 1 broken" in text.stdout
    assert "\x1b" not in text.stdout


@pytest.mark.usefixtures("engine")
def test_matched_expenses_end_a_report_with_nothing_in_every_format(
    shell: Shell,
) -> None:
    taken = shell.run("ingest", "-", given=b"\n".join(MATCHED))

    data = shell.run("report", "--as-of", "2026-03-02", "--format", "json")
    table = shell.run(
        "report", "--as-of", LATER, "--format", "csv", "--output", "a.csv"
    )

    assert [item.returncode for item in (taken, data, table)] == [0, 0, 0]
    report = json.loads(data.stdout)
    assert report["schema"] == "reconcile.report/2"
    assert report["as_of"] == "2026-03-02T23:59:59.999999Z"
    assert report["totals"]["matched"] == 1
    written = (shell.folder / "a.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [found["transaction_id"] for found in rows] == ["t1"]
    assert table.stdout == ""


@pytest.mark.usefixtures("engine")
def test_what_cannot_be_read_ends_with_two_until_it_is_set_aside(shell: Shell) -> None:
    name = shell.write("a.jsonl", b"\n".join([*BROKEN, b"rubbish"]))

    taken = shell.run("ingest", name)
    doubtful = shell.run("report", "--as-of", LATER)
    again = shell.run("reprocess")
    digest = taken.stderr.rpartition("sha256:")[2].strip(" )\n")
    unnamed = shell.run("reprocess", "--set-aside", digest)
    aside = shell.run(
        "reprocess", "--set-aside", digest, "--actor", "ada", "--reason", "a log line"
    )
    sure = shell.run("report", "--as-of", LATER)

    assert "a.jsonl, line 3" in taken.stderr
    ended = [taken, doubtful, again, unnamed, aside, sure]
    assert [item.returncode for item in ended] == [2, 2, 2, 2, 0, 1]
    assert "could not be read" in doubtful.stderr
    assert "--actor and --reason" in unnamed.stderr
    assert "could not be read" not in sure.stderr


def test_unread_evidence_of_another_company_is_out_of_scope(shell: Shell) -> None:
    other = entry("GET", url("/syncs/s/status", company="other"), answer="<")
    lines = [*MATCHED, other]
    shell.run("ingest", "-", given=b"\n".join(lines))

    everything = shell.run("report", "--as-of", LATER)
    theirs = shell.run("report", "--as-of", LATER, "--company", "other")
    third = shell.run("report", "--as-of", LATER, "--company", "third")

    ended = [everything, theirs, third]
    assert [item.returncode for item in ended] == [2, 2, 0]


def test_noise_does_not_change_how_an_ingest_ends(shell: Shell) -> None:
    noise = entry("GET", "https://cdn.example/app.js", answer="x")

    taken = shell.run("ingest", shell.write("a.har", har([*MATCHED, noise])))

    assert taken.returncode == 0
    assert "3 read" in taken.stdout
    assert "1 other traffic" in taken.stdout


def test_a_har_that_breaks_off_ends_with_two_and_says_where(shell: Shell) -> None:
    name = shell.write("cut.har", har(MATCHED)[:-30])

    taken = shell.run("ingest", name)

    assert taken.returncode == 2
    assert taken.stderr.startswith("cut.har, line 1: the HAR document ends too early")
    assert taken.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ingest", "absent.har"), "absent.har does not exist"),
        (("ingest", "."), ". is a folder, expected a file"),
        (("ingest", "a.txt"), "a.txt holds no captured traffic, expected a HAR"),
        (("ingest", "-"), "standard input is empty, expected a HAR document"),
        (("ingest",), "Missing argument"),
        (("report",), "reconcile.db"),
        (("--store", "mysql://x", "report"), "mysql"),
        (("--store", "sqlite:///a.txt", "report"), "a.txt"),
        (("--store", "sqlite:///a.txt", "ingest", "b.har"), "a.txt is not a store"),
        (("report", "--as-of", "yesterday"), "neither a date nor a time"),
        (("report", "--known-at", "2026-03-02T09:00:00"), "with a zone"),
        (("reconcile-everything",), "No such command"),
    ],
)
def test_what_a_user_got_wrong_is_one_sentence_and_two(
    shell: Shell, arguments: tuple[str, ...], sentence: str
) -> None:
    shell.write(
        "a.txt", b"this is a letter, not a store, however one looks at it\n" * 9
    )
    shell.write("b.har", har([]))

    ended = shell.run(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr
    assert not (shell.folder / "reconcile.db").exists()


def test_a_wrong_file_among_good_ones_stops_before_anything_is_stored(
    shell: Shell,
) -> None:
    good = shell.write("a.har", har(MATCHED))

    ended = shell.run("ingest", good, "absent.har")

    assert ended.returncode == 2
    assert [path.name for path in shell.folder.iterdir()] == ["a.har"]


def test_the_store_may_be_named_by_the_environment(shell: Shell) -> None:
    shell.run("ingest", "-", given=MATCHED[0], RECONCILE_STORE="sqlite:///mine.db")

    assert (shell.folder / "mine.db").is_file()


def test_a_terminal_that_knows_ascii_alone_is_no_reason_to_break(shell: Shell) -> None:
    lines = [create("é😀"), page(row("é😀", "PushError", "expense", "…"), minutes=2)]
    shell.run("ingest", "-", given=b"\n".join(lines))

    ended = shell.run("report", "--as-of", LATER, PYTHONIOENCODING="ascii")

    assert ended.returncode == 1


def test_it_knows_its_version(shell: Shell) -> None:
    ended = shell.run("--version")

    assert ended.returncode == 0
    assert ended.stdout.startswith("reconcile, version ")
