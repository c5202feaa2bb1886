"""`doctor` as it is installed: what it finds of each thing that is needed."""

import sqlite3
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import attrs
import pytest

from reconcile import Reconciler, read_lines
from reconcile.storage.refused import UntrustedDelivery
from tests.codat.client.clients import server
from tests.engines import url_at
from tests.live.commands import PUSH, Desk, nobody, saying


def states(output: str) -> dict[str, str]:
    """Return what was found of each check."""
    pairs = [line.partition(":")[0].split() for line in output.splitlines()]
    return {check: state for state, check in pairs}


def test_where_all_is_well_the_doctor_ends_with_nothing(desk: Desk) -> None:
    assert desk.run(*PUSH)[0] == 0
    with server(saying("200 OK")) as (url, asked):
        hooks = f"{url}/webhooks/codat"
        status, output, errors = desk.run("doctor", "--endpoint", hooks)

    assert (status, errors) == (0, "")
    assert set(states(output).values()) == {"ok"}
    assert list(states(output)) == [
        *("store", "sqlite", "views", "evidence", "quarantine", "deliveries"),
        "requests",
        *("reachability", "clock", "key", "quota", "endpoint"),
    ]
    assert "1998 of 2000 requests left" in output
    assert asked[0].startswith(b"GET /healthz HTTP/1.1\r\n")


def test_the_doctor_needs_no_key_for_what_needs_none(desk: Desk) -> None:
    desk.run(*PUSH)

    status, output, _ = desk.run("doctor", CODAT_API_KEY="")

    result = states(output)
    skipped = {check for check, state in result.items() if state == "skipped"}
    assert (status, skipped) == (0, {"key", "quota", "endpoint"})


def test_the_doctor_says_what_is_wrong_and_what_to_do(desk: Desk) -> None:
    wrong = attrs.evolve(desk, key="wrong-key")

    status, output, _ = wrong.run("doctor", "--endpoint", nobody())

    assert status == 2
    store = output.splitlines()[0]
    assert store.startswith("problem  store: there is no store at reconcile.db (")
    assert "problem  key: Codat refuses it with 401" in output
    assert "Connection refused (no server listens there)" in output
    assert not desk.stored


def test_a_host_that_is_not_there_is_told_by_the_step_that_failed(desk: Desk) -> None:
    _, unknown, _ = desk.run("doctor", CODAT_BASE_URL="http://codat.invalid")
    with server(saying("200 OK")) as (url, _):
        _, plain, _ = desk.run("doctor", CODAT_BASE_URL=url.replace("http", "https"))

    assert "cannot be resolved: DNS" in unknown
    assert "(TLS failed: " in plain
    assert states(plain)["key"] == "skipped"


def test_a_clock_an_hour_off_and_a_quota_used_up_are_told(desk: Desk) -> None:
    now = datetime.now(UTC)
    lines = (
        f"Date: {format_datetime(now - timedelta(hours=1), usegmt=True)}",
        "X-Rate-Limit-Limit: 2000",
        "X-Rate-Limit-Remaining: 3",
        f"X-Rate-Limit-Reset: {now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    )
    with server(saying("200 OK", *lines)) as (url, asked):
        status, output, _ = desk.run("doctor", CODAT_BASE_URL=url)

    result = states(output)
    assert (status, result["clock"], result["key"], result["quota"]) == (
        2,
        "problem",
        "ok",
        "problem",
    )
    assert "s ahead of Codat's (set this machine's clock" in output
    assert "3 of 2000 requests left until" in output
    assert b"Authorization" not in asked[0]


@pytest.mark.usefixtures("engine")
def test_evidence_nobody_could_read_is_told(desk: Desk) -> None:
    with Reconciler.open(url_at(desk.folder / "reconcile.db")) as books:
        books.ingest(read_lines([b"no entry"]))

    status, output, _ = desk.run("doctor")

    assert status == 2
    assert "problem  quarantine: unread evidence: 1" in output


def test_a_file_that_is_no_store_is_told(desk: Desk) -> None:
    desk.write("reconcile.db", b"not a store" * 1000)

    status, output, _ = desk.run("doctor")

    assert (status, states(output)["store"]) == (2, "problem")


def test_a_stored_event_nobody_can_read_is_told(desk: Desk) -> None:
    desk.run(*PUSH)
    path = desk.folder / "reconcile.db"
    with sqlite3.connect(path) as db:
        future = "INSERT INTO stored_events VALUES (9, 'sync:c:s', 1, 'x', x'00', 0)"
        db.execute(future)
    db.close()
    desk.run("report")

    status, output, _ = desk.run("doctor")

    assert status == 2
    assert "problem  views: stored events that cannot be read: 1, at 9" in output


@pytest.mark.usefixtures("engine")
def test_deliveries_that_were_refused_are_counted(desk: Desk) -> None:
    with Reconciler.open(url_at(desk.folder / "reconcile.db")) as books:
        at = datetime(2026, 3, 2, tzinfo=UTC)
        forged = UntrustedDelivery.of(
            b"{}", received_at=at, reason="x", headers=(), keep_body=True
        )
        books.store.untrusted().keep([forged])

    status, output, _ = desk.run("doctor")

    result = "ok       deliveries: refused: 1, the last at 2026-03-02T00:00:00.000000Z"
    assert (status, result in output) == (0, True)


def test_a_sign_in_page_in_place_of_codat_is_told(desk: Desk) -> None:
    page = saying("200 OK", "Content-Type: text/html", body=b"<p>Sign in</p>")
    with server(page) as (url, _), server(saying("404 Not Found")) as (hooks, _):
        _, output, _ = desk.run("doctor", "--endpoint", hooks, CODAT_BASE_URL=url)

    result = states(output)
    assert result["clock"] == result["quota"] == "skipped"
    assert "problem  key: GET /companies: the answer is not JSON" in output
    assert "/healthz answers 404 (`reconcile serve` answers 200 there" in output


def test_urls_that_cannot_be_are_told(desk: Desk) -> None:
    status, output, _ = desk.run(
        "doctor", "--endpoint", "ftp://x\x1b", CODAT_BASE_URL="codat"
    )

    result = states(output)
    assert (status, result["reachability"], result["endpoint"]) == (2, *["problem"] * 2)
    assert "\x1b" not in output
