"""API keys: how they are sent, how they change, and that nobody gets to see one."""

import base64
import logging
import traceback
from typing import Any

import httpx
import pytest

from reconcile.codat import requests
from reconcile.codat.client.account import ClientSettings
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.keys import Keys
from reconcile.codat.client.rerequests import Rerequests
from reconcile.errors import CodatUnavailable, UsageError
from reconcile.sandbox import Sandbox
from reconcile.sandbox import Settings as Behaviour
from tests.codat.client.clients import KEY, client_at, wired
from tests.sandbox.calls import COMPANY, expense

READ = requests.statuses(COMPANY)
SENT = base64.b64encode(KEY.encode()).decode()


def test_the_key_is_sent_alone_as_codat_asks() -> None:
    wire = wired(200)

    wire.client.ask(READ)

    assert wire.sent[0].headers["Authorization"] == f"Basic {SENT}"


def test_a_key_that_is_refused_gives_way_to_the_next_and_stays_behind() -> None:
    sandbox = Sandbox(settings=Behaviour(api_keys=("new",)))
    sandbox.company(COMPANY)
    recorded: list[Any] = []
    codat = client_at(sandbox, recorded.append, api_keys=("old", "new", "other"))

    statuses = [codat.statuses(COMPANY).status for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert [item.status for item in recorded] == [401, 200, 200, 200]


def test_when_every_key_is_refused_that_is_the_answer() -> None:
    wire = wired(401, api_keys=("a", "b"))

    answer = wire.client.statuses(COMPANY)

    assert answer.status == 401
    assert len(wire.sent) == 2
    with pytest.raises(CodatUnavailable, match="was refused with 401"):
        answer.data()


def test_a_write_goes_on_with_the_next_key_since_a_401_did_nothing() -> None:
    sandbox = Sandbox(settings=Behaviour(api_keys=("new",)))
    recorded: list[Any] = []
    codat = client_at(sandbox, recorded.append, api_keys=("old", "new"))

    answer = codat.create_expenses(COMPANY, [expense("t1")])

    assert answer.accepted
    assert [item.status for item in recorded] == [401, 200]
    assert len(sandbox.companies[COMPANY].syncs) == 1


@pytest.mark.parametrize("keys", ["", " ", "ключ", "a\nb", [], ["a"] * 11, ["a", ""]])
def test_what_is_no_key_is_refused_and_not_shown(keys: Any) -> None:
    with pytest.raises(UsageError) as caught:
        Keys(keys)

    assert "ключ" not in str(caught.value)


@pytest.mark.parametrize("failure", [500, httpx.ReadTimeout("late"), 401])
def test_no_key_is_in_any_log_error_or_record(
    failure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wire = wired(failure)
    shown = ""
    try:
        wire.client.ask(READ).data()
    except CodatUnavailable as error:
        shown = "".join(
            traceback.TracebackException.from_exception(
                error, capture_locals=True
            ).format()
        )

    result = [repr(wire.client), repr(wire.recorded), caplog.text, shown]
    result += [repr(vars(record)) for record in caplog.records]
    result += [repr(vars(wire.client)), repr(vars(wire.client._attempts.keys))]
    assert shown
    assert not [text for text in result if KEY in text or SENT in text]
    assert any(
        getattr(record, "codat_path", "") == READ.path for record in caplog.records
    )


def test_over_a_real_socket_no_library_below_logs_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    recorded: list[Any] = []

    settings: ClientSettings = {
        "api_keys": KEY,
        "record": recorded.append,
        "base_url": "http://127.0.0.1:9",
        "rerequests": Rerequests(attempts_max=1),
    }
    with CodatClient.connected(**settings) as codat, pytest.raises(CodatUnavailable):
        codat.ask(READ)

    assert caplog.records
    assert KEY not in caplog.text
    assert SENT not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.codat.io",
        "ftp://api.codat.io",
        "https://",
        "https://user:pass@api.codat.io",
        "https://api.codat.io/v1",
        "https://api.codat.io?key=x",
        "https://api.codat.io#x",
        "https://[::1",
    ],
)
def test_a_base_url_is_a_host_and_no_more(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        wired(200, base_url=url)

    assert "pass" not in str(caught.value)
