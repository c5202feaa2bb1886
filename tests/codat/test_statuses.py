"""Statuses of one sync, of the latest, and of all: what they say, verbatim."""

from typing import Any

import pytest

from reconcile.domain.observations import StatusReport
from reconcile.domain.vocabulary import FindingKind
from reconcile.errors import PayloadError
from tests.builders import COMPANY, SYNC, entry, payload, status, url
from tests.codat.readers import observations_in


def read_status(answer: Any, *, which: str = SYNC) -> StatusReport:
    (seen,) = observations_in(
        entry("GET", url(f"/syncs/{which}/status"), answer=answer)
    )
    assert isinstance(seen, StatusReport)
    return seen


@pytest.mark.parametrize("code", [2000, 2000.0, "2000", "2000.0"])
def test_a_status_code_is_a_number_however_written(code: Any) -> None:
    (seen,) = observations_in(status(code))

    assert isinstance(seen, StatusReport)
    assert seen.code == 2000
    assert seen.sync_utc == "2026-03-02T09:00:00.1234567Z"
    assert (seen.company_id, seen.sync_id, seen.flaws) == (COMPANY, SYNC, ())


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("4200,", "4200,"),
        (None, None),
        (True, "true"),
        (2000.5, "2000.5"),
        (2**63, str(2**63)),
        (10**400, str(10**400)),
        ({"code": 1}, '{"code":1}'),
    ],
)
def test_a_code_that_is_no_number_is_carried_as_text(
    code: Any, result: str | None
) -> None:
    assert read_status({"syncStatusCode": code}).code == result


@pytest.mark.parametrize("name", ["successful", "failed"])
def test_the_pages_own_statuses_are_read_and_their_ids_compared(name: str) -> None:
    seen = read_status(payload(f"page-status-{name}.json"))

    assert seen.code == (2000 if name == "successful" else 5130)
    assert (seen.error_message is None) == (name == "successful")
    mismatched = 2 if name == "successful" else 0
    assert [flaw.kind for flaw in seen.flaws] == [
        FindingKind.IDENTITY_MISMATCH
    ] * mismatched


def test_wrong_types_of_a_status_are_carried_as_text() -> None:
    body = {"syncStatus": ["Odd"], "errorMessage": 5, "syncUtc": 0, "dataPushed": "yes"}

    seen = read_status(body)

    assert (seen.status, seen.error_message, seen.sync_utc) == ('["Odd"]', "5", "0")
    assert (seen.code, seen.data_pushed) == (None, None)


@pytest.mark.parametrize("which", ["latest", "lastSuccessful"])
def test_the_latest_status_is_of_the_sync_in_its_body(which: str) -> None:
    seen = read_status({"syncId": SYNC.upper(), "syncStatusCode": 1000}, which=which)

    assert (seen.sync_id, seen.code, seen.flaws) == (SYNC, 1000, ())


@pytest.mark.parametrize("named", [None, "", 5])
def test_a_latest_status_that_names_no_sync_is_refused(named: Any) -> None:
    with pytest.raises(PayloadError, match="does not name its sync"):
        read_status({"syncId": named, "syncStatusCode": 1000}, which="latest")


@pytest.mark.parametrize("body", ["[]", "null", "{}", '"Complete"', '{"a":1}', "NaN"])
def test_what_is_no_status_is_refused(body: str) -> None:
    with pytest.raises(PayloadError):
        read_status(body)


def read_list(answer: Any) -> list[StatusReport]:
    seen = observations_in(entry("GET", url("/syncs/list/status"), answer=answer))
    return [item for item in seen if isinstance(item, StatusReport)]


def test_the_list_of_syncs_has_a_report_each() -> None:
    seen = read_list(
        [
            {"syncId": "s1", "syncStatusCode": 2000, "companyId": COMPANY},
            {"syncId": "s2", "syncStatusCode": 1000, "companyId": "another"},
        ]
    )

    assert [(item.company_id, item.sync_id) for item in seen] == [
        (COMPANY, "s1"),
        (COMPANY, "s2"),
    ]
    assert [len(found.flaws) for found in seen] == [0, 1]


def test_an_empty_list_of_syncs_says_nothing() -> None:
    assert read_list([]) == []


def test_one_wrong_sync_of_a_list_leaves_the_good_ones() -> None:
    good = {"syncId": "s1", "syncStatusCode": 2000}

    (seen,) = read_list([5, good, {"syncStatusCode": 2000}])

    assert (seen.sync_id, seen.code) == ("s1", 2000)
    assert [flaw.kind for flaw in seen.flaws] == [FindingKind.UNREADABLE] * 2
    assert ["sync 1" in seen.flaws[0].reason, "sync 3" in seen.flaws[1].reason] == [
        True,
        True,
    ]


@pytest.mark.parametrize("body", ["{}", "null", "[5]", "[{}]", "[5,{}]"])
def test_a_list_of_which_nothing_can_be_read_is_refused(body: str) -> None:
    with pytest.raises(PayloadError):
        read_list(body)
