"""Text of others stays text: no escape, mark or line break of it leaves a command."""

import csv
import io
import json
import logging
import unicodedata
from pathlib import Path

import pytest

from reconcile.foreign import one_line, one_line_json
from reconcile.quiet import logger
from tests.builders import create_of, expense_of, hook, page, row, start, status
from tests.stories.test_command_line import Shell

HOSTILE = (
    "X\x1b[2J\x1b]0title\x07\x9b31m\u202egnp.exe\u2066\u200f\u061c"
    "\r\n\x85\u2028\u2029\x7f\x0bAs of 2026: 0 broken\U000e0041\ufeff"
)
HARMLESS = "X" * 8
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def is_harmful(character: str) -> bool:
    """Return whether a character could act on a terminal, or part a line."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or (
        unicodedata.bidirectional(character)
        in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        or character in "\u200e\u200f\u061c"
    )


def capture(words: str) -> bytes:
    """Return traffic in which everything that others may choose says these words."""
    lines = [
        create_of(expense_of(f"t1{words}", merchant=words)),
        start("d1", minutes=1, sync="s2"),
        status(5130, minutes=2),
        page(row(f"t1{words}", "PushError", message=words), minutes=3),
        hook(
            "expenses.sync.unsuccessful",
            (f"t2{words}", "PushError", words),
            minutes=4,
            delivery="m1",
            sync=f"s3{words}",
        ),
        hook(f"expenses.{words}", minutes=5, sync=f"s3{words}"),
    ]
    return b"\n".join([*lines, json.dumps({"x": words}).encode()])


HEARD = [
    "report",
    "report --items",
    "report --format json",
    "report --format csv",
    "causes",
    "causes --format json",
    "causes --format csv",
    "explain t1{}",
    "explain t2{}",
    "explain t1{} --format json",
    "rules test",
    "doctor",
    "reprocess",
]
SAID = [
    "explain {}",
    "report --company {}",
    "report --cause {}",
    "report --as-of {}",
    "report --output no/such/{}",
    "report --no-such-{}",
    "no-such-{}",
    "ingest no-such-{}",
    "push {} --company c",
    "backup no/such/{}",
    "reprocess --set-aside {} --actor a --reason b",
    "rules test no-such-{}",
]


def lines_of(shell: Shell, command: str, words: str) -> list[list[str]]:
    """Return the lines a command writes to its two streams: harmless ones alone."""
    arguments = [part.format(words) for part in command.split()]
    ended = shell.run(*arguments, RECONCILE_STORE="sqlite:///books.db")
    assert ended.returncode in (0, 1, 2)
    streams = [ended.stdout, ended.stderr]
    if "csv" in command:
        streams[0] = streams[0].replace("\r\n", "\n")
    lines = [text.split("\n") for text in streams]
    harmful = {c for some in lines for line in some for c in line if is_harmful(c)}
    assert harmful == set()
    return lines


def test_what_others_wrote_moves_no_terminal_and_forges_no_line(tmp_path: Path) -> None:
    shells = []
    for name, words in (("hostile", HOSTILE), ("harmless", HARMLESS)):
        (tmp_path / name).mkdir()
        shell = Shell(tmp_path / name)
        shell.write("a.jsonl", capture(words))
        lines_of(shell, "ingest a.jsonl", words)
        shells.append((shell, words))

    for command in HEARD:
        hostile, harmless = (
            lines_of(shell, f"{command}", words) for shell, words in shells
        )
        assert [*map(len, hostile)] == [*map(len, harmless)], command


def test_what_a_user_typed_is_said_again_on_one_line(shell: Shell) -> None:
    shell.write("a.jsonl", capture(HARMLESS).rsplit(b"\n", 1)[0])
    lines_of(shell, "ingest a.jsonl", "")
    words = HOSTILE

    ended = {command: lines_of(shell, command, words)[1] for command in SAID}

    assert {command: len(lines) for command, lines in ended.items()} == dict.fromkeys(
        SAID, 2
    )


def test_no_cell_is_computed_by_a_spreadsheet(shell: Shell) -> None:
    before = ("", " ", "\u00a0", "\u3000", "\t", "\r\n", "\n ", "x;", "x; ", "x\uff1b")
    formulas = [f'{b}{sign}HYPERLINK("http://x")' for b in before for sign in SIGNS]
    lines = [
        create_of(expense_of(f"t{n:03}", merchant=words), sync=f"s{n}")
        for n, words in enumerate(formulas)
    ]
    shell.write("a.jsonl", b"\n".join(lines))
    shell.run("ingest", "a.jsonl")

    table = shell.run("report", "--as-of", "2026-03-04", "--format", "csv").stdout

    cells = [found["merchant"] for found in csv.DictReader(io.StringIO(table))]
    expected = []
    for words in map(one_line, formulas):
        place = max(words.rfind(";"), words.rfind("\uff1b")) + 1
        expected.append(f"{words[:place]}'{words[place:]}")
    assert cells == expected


def test_every_harmful_character_is_written_out_and_no_other() -> None:
    for code in range(0x110000):
        character = chr(code)
        if is_harmful(character):
            assert one_line(character).isascii(), hex(code)
            assert len(one_line(character)) > 1
        elif unicodedata.category(character) != "Cf":
            assert one_line(character) == character


def test_json_says_what_it_said_before() -> None:
    data = {"words": HOSTILE + "\U000e0041\u200d"}
    text = one_line_json(json.dumps(data, ensure_ascii=False))

    assert json.loads(text) == data
    assert not any(map(is_harmful, text))


def test_a_record_of_the_log_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logger("follow").info("not read: %s", HOSTILE, extra={"codat_sync_id": HOSTILE})

    (record,) = caplog.records
    record_words = (record.getMessage(), record.__dict__["codat_sync_id"])
    assert record_words == (f"not read: {one_line(HOSTILE)}", one_line(HOSTILE))
    assert not any(map(is_harmful, "".join(record_words)))
