"""A month-end on the command line: one screen, each cause with its money and its move.

131 expenses of three companies; 34 of them broken, for eight reasons.
"""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconcile import read_lines
from reconcile.reconciler import Reconciler
from tests.builders import create_of, expense_of, page, row, status, uuid_of

COMMAND = str(Path(sys.executable).parent / "reconcile")
AS_OF = ("--as-of", "2026-03-31")
SCREEN = 50
LOCKED = "The document date cannot be before the period lock date."
MESSAGES = {
    LOCKED: 12,
    "Feed Connection failed(409): The AccountToken, AccountId or AccountNumber is"
    " already connected to another Xero Bank Account in the selected Xero"
    " Organization.": 8,
    "Account code '475' is not a valid code for this document.": 5,
    "The TaxType field is mandatory.": 3,
    "Authentication unsuccessful. Please reconnect.": 3,
    "The sheep are in the meadow": 2,
}
NAMES = ("An oddly: named", "company-b", "company-c")


def month_end() -> Iterator[bytes]:
    """Yield 97 that are written, 31 that failed, 1 that lacks, and 2 of nobody."""
    number = 0
    words = [text for text, count in MESSAGES.items() for _ in range(count)]
    for name, share in zip(NAMES, (44, 44, 43), strict=True):
        bodies: list[dict[str, Any]] = []
        rows: list[Any] = []
        for place in range(share):
            number += 1
            item = uuid_of(number)
            bodies.append(
                expense_of(item, f"{number}.25", merchant="=Taxi" if place else "Hotel")
            )
            if place < 33 or not words:
                rows.append(row(item))
            else:
                rows.append(row(item, "PushError", message=words.pop(0)))
        missing = rows.pop() if name == "company-c" else None
        strangers = [row(uuid_of(999)), row(uuid_of(998))] if missing else []
        yield create_of(*bodies, sync=f"sync-{name}", company=name)
        yield status(5130, minutes=2, sync=f"sync-{name}", company=name)
        yield page(*rows, *strangers, minutes=3, sync=f"sync-{name}", company=name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("month-end")
    with Reconciler.open(f"sqlite:///{path / 'books.db'}") as books:
        books.ingest(read_lines(month_end()))
        books.catch_up()
    return path


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        [COMMAND, "--store", "sqlite:///books.db", *arguments],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


def test_a_month_end_fits_on_one_screen_the_largest_cause_first(folder: Path) -> None:
    code, text, errors = run(folder, "report", *AS_OF)

    assert (code, errors) == (1, "")
    lines = text.splitlines()
    assert len(lines) <= SCREEN
    assert lines[1].startswith("133 expenses: 99 matched")
    causes = [line for line in lines if line.startswith("  ") and "GBP" in line]
    assert "The books are locked for this date" in text
    assert text.index("locked") < text.index("already connected")
    assert causes
    assert "customer's move" in text
    assert "our move" in text


def test_every_expense_is_listed_on_request(folder: Path) -> None:
    _, text, _ = run(folder, "report", *AS_OF, "--items", "--company", "company-b")

    assert all(uuid_of(number) in text for number in range(45, 89))


def test_a_csv_file_begins_with_its_mark_and_holds_no_formula(folder: Path) -> None:
    run(folder, "report", *AS_OF, "--format", "csv", "--output", "report.csv")
    _, printed, _ = run(folder, "report", *AS_OF, "--format", "csv")

    written = (folder / "report.csv").read_bytes()
    assert written == b"\xef\xbb\xbf" + printed.encode()
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert {found["merchant"] for found in rows} == {"'=Taxi", "Hotel", ""}
    assert not any(
        cell[:1] in {"=", "+", "-", "@", "\t", "\r"}
        for found in rows
        for cell in found.values()
    )


@pytest.mark.parametrize("face", ["text", "json", "csv"])
def test_causes_are_told_in_three_formats(folder: Path, face: str) -> None:
    code, text, errors = run(folder, "causes", *AS_OF, "--format", face)

    assert (code, errors) == (1, "")
    assert text.count("The books are locked for this date") == 1
    if face == "csv":
        first = next(csv.DictReader(io.StringIO(text)))
        assert (first["cause"], first["amount"]) == ("period_locked", "510.00")
    if face == "json":
        data = json.loads(text)
        counted = [c["items"] for c in data["causes"] + data["without_cause"]]
        assert sum(counted) == data["break"] == 34


def test_a_cause_can_be_asked_for_by_its_id(folder: Path) -> None:
    _, text, _ = run(folder, "causes", *AS_OF, "--format", "json")
    first = json.loads(text)["causes"][0]

    _, found, _ = run(
        folder, "report", *AS_OF, "--cause", first["fingerprint"], "--format", "json"
    )

    assert json.loads(found)["totals"]["break"] == first["items"] == 12


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--month", "March", "'March' is not a month, expected one such as 2026-02"),
        ("--month", "0001-01", "'0001-01' is not a month"),
        ("--state", "lost", "'lost'"),
    ],
)
def test_a_wrong_selection_is_one_sentence(
    folder: Path, option: str, value: str, sentence: str
) -> None:
    code, text, errors = run(folder, "report", option, value)

    assert (code, text) == (2, "")
    assert sentence in errors
    assert "Traceback" not in errors


def test_a_month_without_expenses_is_empty_and_ends_with_nothing(folder: Path) -> None:
    code, text, _ = run(folder, "report", *AS_OF, "--month", "2020-01")

    assert code == 0
    assert "0 expenses" in text
    assert "2 expenses without an issue date left out" in text
