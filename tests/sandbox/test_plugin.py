"""The pytest plugin, as a team that embeds the library has it; and its how-to, run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, fences

HOW_TO = DOCS / "how-to" / "test-your-integration.md"


def run_pytest(folder: Path, *arguments: str) -> str:
    """Return what pytest says in a folder, where everything there passes."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def write_programs(folder: Path) -> list[str]:
    """Write the how-to's programs, each under the name in its first line."""
    names = []
    for block in fences(HOW_TO):
        if block.language == "python":
            named = re.match(r"# (\w+\.py)\n", block.text)
            assert named is not None, block.text
            names.append(named[1])
            (folder / named[1]).write_text(block.text, "utf-8")
    return names


def test_the_how_to_shows_what_holds(tmp_path: Path) -> None:
    names = write_programs(tmp_path)
    # The conftest makes every answer be lost: the other programs come without it.
    deaf = tmp_path / "deaf"
    deaf.mkdir()
    for name in ("conftest.py", "test_lost_answers.py"):
        (tmp_path / name).rename(deaf / name)
    (deaf / "test_expenses.py").write_text(
        (tmp_path / "test_expenses.py").read_text("utf-8"), "utf-8"
    )

    result = run_pytest(tmp_path, "-q", "--ignore=deaf")
    told_deaf = run_pytest(deaf, "-q", "test_lost_answers.py")

    assert len(names) == 5
    assert "3 passed" in result
    assert "1 passed" in told_deaf


def test_the_fixtures_tell_what_they_give(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text("")

    result = run_pytest(tmp_path, "--fixtures", "-q", "test_nothing.py", "--co")

    for name in ("codat_sandbox", "codat_client", "codat_server"):
        assert re.search(rf"^{name}\b.*\n    Give ", result, re.MULTILINE), result


def test_the_client_carries_a_key_that_a_sandbox_of_ones_own_takes(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_key.py").write_text(
        """
import pytest
from reconcile.sandbox import Sandbox, Settings

@pytest.fixture
def codat_sandbox():
    return Sandbox(settings=Settings(api_keys=("key",)))

def test_it(codat_client):
    assert codat_client.get("/companies").status_code == 200
"""
    )

    assert "1 passed" in run_pytest(tmp_path, "-q")


@pytest.mark.parametrize("name", ["uvicorn", "reconcile.sandbox.server"])
def test_loading_the_plugin_loads_no_server(name: str) -> None:
    program = (
        f"import sys, reconcile.sandbox.pytest_plugin;sys.exit({name!r} in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
