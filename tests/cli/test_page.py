"""`report --format html`: a file to mail, whose digest anybody can make again."""

import html
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from tests.builders import create, page, row, uuid_of

COMMAND = str(Path(sys.executable).parent / "reconcile")
COMPANY = "64da817f-607e-4405-a6c5-9f63e69dc0cf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a store of two broken expenses, and names of customers."""
    ids = [uuid_of(1), uuid_of(2)]
    rows = [row(name, "PushError", message="Odd.") for name in ids]
    with Reconciler.open(f"sqlite:///{tmp_path / 'reconcile.db'}") as books:
        lines = [create(*ids, company=COMPANY), page(*rows, minutes=2, company=COMPANY)]
        books.ingest(read_lines(lines))
    (tmp_path / "names.json").write_text(json.dumps({COMPANY: "Harrow & Finch"}))
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "numbers.json").write_text('{"a": 1}')
    (tmp_path / "prose.txt").write_text("Harrow & Finch")
    return tmp_path


def ran(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Return the status, output and errors of a report."""
    found = subprocess.run(
        [COMMAND, "report", *words],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    return found.returncode, found.stdout.decode(), found.stderr.decode()


@pytest.mark.parametrize(
    "asked",
    [
        (),
        ("--as-of", "2026-03-05"),
        ("--as-of", "2026-03-05", "--known-at", "2200-01-01"),
        ("--company", COMPANY, "--state", "break"),
        ("--cause", "unclassified", "--month", "2026-03"),
        ("--as-of", "2026-03-05", "--workers", "2"),
    ],
)
def test_the_command_on_the_page_gives_its_digest(
    folder: Path, asked: tuple[str, ...]
) -> None:
    status, text, errors = ran(folder, "--format", "html", *asked)
    assert (status, errors) == (0 if "--month" in asked else 1, errors)
    (command,) = re.findall(r"reconcile --store STORE report (.*?)</code>", text)

    _, data, _ = ran(folder, *shlex.split(html.unescape(command)))

    assert "--known-at" in command
    assert json.loads(data)["digest"] in text


def test_a_page_goes_to_a_file_with_names_and_a_zone(folder: Path) -> None:
    status, text, errors = ran(
        folder,
        *("--format", "html", "--output", "page.html"),
        *("--customers", "names.json", "--zone", "Asia/Tokyo"),
    )

    page = (folder / "page.html").read_text("utf-8")
    assert (status, text, errors) == (1, "", "")
    assert "Harrow &amp; Finch" in page
    assert "in Asia/Tokyo" in page


def test_a_page_is_utf_8_whatever_the_terminal_is(folder: Path) -> None:
    (folder / "names.json").write_text(json.dumps({COMPANY: "北野商事"}))

    _, text, _ = ran(
        folder,
        *("--format", "html", "--customers", "names.json"),
        PYTHONIOENCODING="latin-1",
    )

    assert "北野商事" in text
    assert "customers’ books" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--format", "htm"), "'htm' is not one of"),
        (
            ("--format", "html", "--zone", "Mars"),
            "'Mars' is not a known zone, expected",
        ),
        (("--zone", "UTC"), "--zone was given with --format text, expected"),
        (
            ("--format", "json", "--customers", "names.json"),
            "--customers was given with --format json, expected",
        ),
        (("--format", "html", "--customers", "prose.txt"), "prose.txt is not JSON"),
        (("--format", "html", "--customers", "list.json"), "is not an object of"),
        (("--format", "html", "--customers", "numbers.json"), "is not an object of"),
        (("--format", "html", "--customers", "none.json"), "none.json cannot be read"),
        (("--format", "html", "--customers", "."), "cannot be read"),
        (("--format", "html", "--items"), "--items was given with --format html"),
        (
            ("--format", "html", "--customers", "names.json", "--output", "names.json"),
            "which this command reads",
        ),
    ],
)
def test_what_a_page_cannot_take_is_one_sentence(
    folder: Path, words: tuple[str, ...], sentence: str
) -> None:
    status, text, errors = ran(folder, *words)

    assert (status, text) == (2, "")
    assert sentence in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("module", "package"), [("jinja2", "jinja2"), ("svg", "svg.py")]
)
def test_without_its_extra_it_names_the_package(
    folder: Path, module: str, package: str
) -> None:
    program = (
        f"import sys; sys.modules['{module}'] = None;"
        "sys.argv = ['reconcile', 'report', '--format', 'html'];"
        "from reconcile.cli import main; main()"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (
        2,
        f"reconcile: the report as HTML needs the package {package}:"
        " install codat-reconcile[cli]\n",
    )


def test_no_other_format_imports_templates(folder: Path) -> None:
    program = (
        "import sys; sys.argv = ['reconcile', 'report', '--format', 'json'];"
        "import reconcile.cli.root as root; root.run();"
        "sys.exit({'jinja2', 'svg', 'markupsafe'} & {*sys.modules} and 9 or 0)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0
