"""Schemathesis asks the sandbox what Codat's OpenAPI files allow, and what they forbid.

Each call around a sync is made with the files' own examples, with every bound of their
schemas and with a few drawn inputs: of a sync that there is; then of ids nobody knows.
What is not held against the sandbox stands in `schemathesis.toml`, each with a reason.
"""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from reconcile.sandbox import Sandbox, Settings
from reconcile.sandbox.server import serving
from tests.sandbox.environments import SCHEMATHESIS, python_with
from tests.sandbox.openapi.schemas import (
    CURRENT,
    NOT_THERE,
    V1,
    openapi_document,
    there,
)

pytestmark = [
    pytest.mark.skipif(not there(), reason=NOT_THERE),
    pytest.mark.parametrize("file", [V1, CURRENT], ids=["v1", "current"]),
]

KEY: Final = "Basic c2VjcmV0"
COMPANY: Final = "8a210b68-6988-11ed-a1eb-0242ac120002"
TRANSACTION: Final = "4d7c6929-7770-412b-91bb-44d3bc71d111"
RUN_WAIT_MAX_S: Final = 120


def test_calls_of_a_known_sync_are_answered_as_documented(
    file: Path, tmp_path: Path
) -> None:
    strict = Settings(api_keys=("secret",), quotas=False, strict=True)
    sandbox = Sandbox(settings=strict)
    sandbox.company(COMPANY)
    known = {
        "companyId": COMPANY,
        "syncId": synced(sandbox),
        "transactionId": TRANSACTION,
    }

    done = run(file, sandbox, tmp_path, known)

    assert done.returncode == 0, done.stdout


def test_calls_of_unknown_ids_are_answered_as_documented(
    file: Path, tmp_path: Path
) -> None:
    strict = Settings(api_keys=("secret",), quotas=False, strict=True)

    once = ("--phases=fuzzing", "--mode=positive", "--max-examples=1")
    done = run(file, Sandbox(settings=strict), tmp_path, {}, *once)

    assert done.returncode == 0, done.stdout


def run(
    file: Path, sandbox: Sandbox, folder: Path, ids: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Return a run of Schemathesis that has ended; `ids` stand in every path."""
    python = python_with(SCHEMATHESIS)
    (folder / "spec.json").write_text(json.dumps(around_a_sync(file)), "utf-8")
    config = Path(__file__).with_name("schemathesis.toml").read_text("utf-8")
    pinned = "".join(f'"path.{name}" = "{item}"\n' for name, item in ids.items())
    (folder / "schemathesis.toml").write_text(
        f"{config}\n[parameters]\n{pinned}", "utf-8"
    )
    command = [str(python), "-I", "-m", "schemathesis.cli", "run", "spec.json"]
    with serving(sandbox, speed=0) as url:
        return subprocess.run(
            [*command, f"--url={url}", "--no-color", *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_WAIT_MAX_S,
            check=False,
        )


def around_a_sync(file: Path) -> object:
    """Return a file without the rest of Codat's platform.

    The sandbox has of that what a sync needs, and not one whole resource.
    """
    document = openapi_document(file)
    paths = document["paths"].items()
    document["paths"] = {
        path: item for path, item in paths if "/sync/expenses/" in path
    }
    return document


def synced(sandbox: Sandbox) -> str:
    """Have one expense synced; return the id of its sync."""
    expense = {
        "id": TRANSACTION,
        "type": "Payment",
        "issueDate": "2026-01-04T00:00:00+00:00",
        "currency": "GBP",
        "lines": [{"netAmount": 1, "taxAmount": 0, "accountRef": {"id": "account-1"}}],
    }
    with httpx.Client(
        transport=sandbox.transport(),
        base_url="https://api.codat.io",
        headers={"Authorization": KEY},
    ) as codat:
        created = codat.post(
            f"/companies/{COMPANY}/sync/expenses/expense-transactions", json=[expense]
        )
    sandbox.advance(timedelta(minutes=1))
    return str(created.json()["syncId"])
