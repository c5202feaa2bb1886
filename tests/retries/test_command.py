"""`reconcile retries`: plans are made and shown, and bad input is one sentence."""

import json
from pathlib import Path

import pytest

from tests.builders import COMPANY
from tests.cases.test_decisions import FAILED
from tests.stories.test_command_line import Shell

ACCOUNT = ("--api-key", "key", "--base-url", "http://127.0.0.1:9")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    created = Shell(tmp_path)
    created.write("a.jsonl", b"\n".join(FAILED))
    created.run("ingest", "a.jsonl")
    return created


def mend(shell: Shell) -> None:
    causes = shell.run("causes", "--company", COMPANY, "--format", "json")
    (cause,) = json.loads(causes.stdout)["causes"]
    who = ("--company", COMPANY, "--actor", "ada", "--reason", "done")
    shell.run("cases", "mended", "--cause", cause["fingerprint"], *who)


@pytest.mark.usefixtures("engine")
def test_a_plan_says_what_is_sent_and_why_the_rest_is_not(shell: Shell) -> None:
    before = shell.run("retries", "plan")
    mend(shell)
    after = shell.run("retries", "plan", "--output", "plan.json")
    whole = shell.run("retries", "plan", "--format", "json")

    assert before.returncode == after.returncode == 0
    assert "to be mended first, the customer's move" in before.stdout
    assert "There is nothing to send." in before.stdout
    assert "Line 1: send 1 expense, as a probe" in after.stdout
    assert "held for line 1" in after.stdout
    assert "To send it: reconcile retries run plan.json" in after.stdout
    plan = json.loads((shell.folder / "plan.json").read_text())
    assert plan["schema"] == json.loads(whole.stdout)["schema"] == "reconcile.plan/1"
    assert plan["digest"] in after.stdout
    assert shell.run("retries", "show").stdout == "No plan was run.\n"


def test_what_is_no_plan_of_this_store_is_refused_and_nothing_is_recorded(
    shell: Shell,
) -> None:
    mend(shell)
    shell.run("retries", "plan", "--output", "plan.json")
    text = (shell.folder / "plan.json").read_text()
    shell.write("changed.json", text.replace('"n":1,', '"n":7,').encode())
    shell.write("text.json", b"{")
    shell.write("other.json", b'{"schema": "x"}')
    shell.write("begun.jsonl", FAILED[0])
    shell.run("--store", "sqlite:///other.db", "ingest", "begun.jsonl")

    for arguments, words in (
        (("changed.json",), "its bytes were changed"),
        (("text.json",), "it is not JSON"),
        (("other.json",), "expected reconcile.plan/1"),
        (("nowhere.json",), "No such file or directory"),
    ):
        refused = shell.run("retries", "run", *arguments, *ACCOUNT)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert words in refused.stderr
        assert refused.stderr.count("\n") == 1
    elsewhere = shell.run(
        "--store", "sqlite:///other.db", "retries", "run", "plan.json", *ACCOUNT
    )
    assert elsewhere.returncode == 2
    assert "of another store" in elsewhere.stderr
    assert shell.run("retries", "show").stdout == "No plan was run.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--cause", "nothing"), "no expense to send has the cause nothing"),
        (("--company", "nobody"), "nothing is recorded of company nobody"),
        (("--corrected", "new.json"), "--corrected was given without --company"),
        (("--policy", "nowhere.toml"), "nowhere.toml cannot be read"),
        (("--output", "reconcile.db"), "which this command reads"),
        (
            ("--corrected", "new.json", "--company", COMPANY),
            "is corrected and not in the plan",
        ),
        (
            ("--corrected", "bad.json", "--company", COMPANY),
            "nothing was planned: 1 problem in bad.json",
        ),
    ],
)
def test_a_plan_that_cannot_be_made_is_refused_in_a_sentence(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    shell.write("new.json", json.dumps([EXPENSE]).encode())
    shell.write("bad.json", json.dumps([{**EXPENSE, "type": "Gift"}]).encode())

    refused = shell.run("retries", "plan", *arguments)

    assert refused.returncode == 2
    assert words in refused.stderr
    assert refused.stdout == ""


EXPENSE = {
    "id": "99999999-2222-4222-8222-222222222222",
    "type": "Payment",
    "issueDate": "2026-03-01",
    "currency": "GBP",
    "lines": [{"netAmount": 1, "taxAmount": 0, "accountRef": {"id": "a"}}],
}
