"""`reconcile cases`: decisions are taken, listed, and refused in one sentence."""

import json
from pathlib import Path

import pytest

from tests.builders import COMPANY
from tests.cases.test_decisions import FAILED
from tests.stories.test_command_line import Shell

PERSON = ("--company", COMPANY, "--actor", "ada", "--reason", "as agreed")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    created = Shell(tmp_path)
    created.write("a.jsonl", b"\n".join(FAILED))
    created.run("ingest", "a.jsonl")
    return created


@pytest.mark.usefixtures("engine")
def test_breaks_are_ended_and_released_and_the_report_tells(shell: Shell) -> None:
    causes = shell.run("causes", "--company", COMPANY, "--format", "json")
    (cause,) = json.loads(causes.stdout)["causes"]
    by_cause = ("--cause", cause["fingerprint"], "--seen", cause["seen"], *PERSON)

    mended = shell.run("cases", "mended", *by_cause)
    released = shell.run("causes")
    moved = shell.run("cases", "moved", "t1", "--to", "another", *PERSON)
    waived = shell.run("cases", "waive", "t2", *PERSON)
    report = shell.run("report", "--items")
    listed = shell.run("cases", "list", "--format", "json")

    assert "our move · RESEND · mended" in released.stdout
    assert "What they failed for is mended: send them again." in released.stdout
    ended = [mended, moved, waived, report, listed]
    assert [item.returncode for item in ended] == [0] * 5
    assert "2 resolved" in report.stdout
    assert "It was moved to company another (ada" in report.stdout
    assert [
        (case["decision"], case["about"], case["to"], case["actor"])
        for case in json.loads(listed.stdout)["cases"]
    ] == [
        ("mended", cause["fingerprint"], None, "ada"),
        ("moved", "t1", "another", "ada"),
        ("waived", "t2", None, "ada"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("waive", "t9", *PERSON), "transaction t9 is not known in company"),
        (("waive", *PERSON), "neither of expenses and a cause were given"),
        (("mended", "--cause", "fp2:0", *PERSON), "has the cause fp2:0"),
        (("moved", "t1", "--to", COMPANY, *PERSON), "expected another one"),
        (("moved", "t1", *PERSON), "Missing option '--to'"),
        (("waive", "t1", "--company", COMPANY, "--reason", "x"), "'--actor'"),
        (("booked", "t1", "t3", *PERSON), "t3 is in the books"),
        (("booked", "t1", "--seen", "x", *PERSON), "has changed"),
        (("forget", "t1", *PERSON), "No such command"),
    ],
)
def test_what_makes_no_sense_ends_with_2_and_one_sentence(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    ended = shell.run("cases", *arguments)

    assert ended.returncode == 2
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert shell.run("cases", "list").stdout == "Nothing was decided.\n"


def test_set_aside_and_abandoned_are_listed_too(shell: Shell) -> None:
    taken = shell.run("ingest", "-", given=b"\n".join([*FAILED, b"rubbish"]))
    digest = taken.stderr.rpartition("sha256:")[2].strip(" )\n")
    person = ("--actor", "ada", "--reason", "a log line")
    shell.run("reprocess", "--set-aside", digest, *person)

    listed = shell.run("cases", "list")

    assert f"set aside: sha256:{digest}; ada: a log line" in listed.stdout
