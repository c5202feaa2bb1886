"""The rules on the command line: tried, counted over a store, and used by `--rules`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile import read_lines
from reconcile.reconciler import Reconciler
from tests.builders import create, page, row
from tests.docs.markdown import DOCS, fences

COMMAND = str(Path(sys.executable).parent / "reconcile")
OURS = next(
    block.text
    for block in fences(DOCS / "reference" / "ruleset.md")
    if block.language == "toml"
)
STRANGE = "The flux capacitor is out of line"
OWN_WORDS = "Group cost centre is mandatory"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a store of three failures, and rules of our own."""
    rows = [
        row("t1", "PushError", message=STRANGE),
        row("t2", "PushError", message=STRANGE),
        row("t3", "PushError", message=OWN_WORDS),
    ]
    with Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as books:
        books.ingest(read_lines([create("t1", "t2", "t3"), page(*rows, minutes=2)]))
        books.catch_up()
    (tmp_path / "ours.toml").write_text(OURS, "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        [COMMAND, "--store", "sqlite:///books.db", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_the_built_in_rules_class_their_own_examples(folder: Path) -> None:
    status, shown, errors = run(folder, "rules", "test")

    assert (status, errors) == (0, "")
    assert shown.startswith("codat@2: ")
    assert shown.endswith(" 0 not as they say.\n")


def test_a_rule_that_does_not_class_its_example_is_named(folder: Path) -> None:
    (folder / "off.toml").write_text(OURS.replace(OWN_WORDS, "No such words"), "utf-8")

    status, shown, errors = run(folder, "rules", "test", "off.toml")

    assert status == 2
    assert shown.endswith(", 1 not as they say.\n")
    assert errors.startswith("cost_centre_of_the_group: ")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('owner = "us"', 'owner = "them"', 11, "them"),
        ('action = "resend_changed"', 'action = "pray"', 12, "pray"),
        ("cent(?:re|er)'", "cent(?:re|er'", 16, "pattern"),
        ("'group cost cent(?:re|er)'", "'(a+)+'", 16, "pattern"),
        ('source = "our', "source = our", 14, ""),
    ],
)
def test_a_file_of_rules_that_cannot_hold_is_refused_with_its_line(
    folder: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in OURS
    (folder / "bad.toml").write_text(OURS.replace(old, new), "utf-8")

    for command in (["rules", "test", "bad.toml"], ["--rules", "bad.toml", "report"]):
        status, shown, errors = run(folder, *command)

        assert (status, shown) == (2, "")
        assert errors.count("\n") == 1
        assert errors.startswith("reconcile: bad.toml")
        assert f"line {line}" in errors
        assert says in errors


def test_a_file_that_is_none_is_refused(folder: Path) -> None:
    (folder / "bytes.toml").write_bytes(b"\xff\xfe")

    absent = run(folder, "--rules", "absent.toml", "report")
    strange = run(folder, "--rules", "bytes.toml", "report")

    assert (absent[0], strange[0]) == (2, 2)
    assert "absent.toml cannot be read: No such file" in absent[2]
    assert "bytes.toml is not UTF-8 text" in strange[2]


def test_what_no_rule_knows_is_listed_with_an_example(folder: Path) -> None:
    status, shown, _ = run(folder, "rules", "check")

    assert status == 0
    first, *rest = shown.splitlines()
    assert first == "codat@2: 3 failures, 0 known by a code alone, 3 not known."
    assert [line.split()[0] for line in rest] == ["2", "1"]
    assert rest[0].endswith(f"unclassified: {STRANGE}")


def test_our_own_rules_take_part_in_a_report_and_its_check(folder: Path) -> None:
    used = run(folder, "--rules", "ours.toml", "report", "--format", "json")
    checked = run(folder, "--rules", "ours.toml", "rules", "check", "--format", "json")
    after = run(folder, "report", "--format", "json")

    causes = {i["transaction_id"]: i["cause"] for i in json.loads(used[1])["items"]}
    assert causes["t3"] == "cost_centre_of_the_group"
    assert json.loads(used[1])["ruleset"] == "ours@1"
    known = {f["cause"]: f["known_by"] for f in json.loads(checked[1])["failures"]}
    assert known == {"cost_centre_of_the_group": "words", "unclassified": "nothing"}
    assert json.loads(after[1])["ruleset"] == "codat@2"
