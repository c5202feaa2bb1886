"""A process killed at any step of a dispatch loses no request, and sends none twice."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from reconcile import Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import create_expenses
from reconcile.errors import BusyError, InDoubtError, NotToBeSentError
from reconcile.report.wire import to_data
from reconcile.sandbox import Sandbox
from reconcile.sandbox.server import serving
from tests.engines import url_at
from tests.live.killing import killed_before
from tests.live.office import COMPANY, expense

ONE = "11111111-1111-4111-8111-111111111111"
CREATE = create_expenses(COMPANY, [expense(ONE)])
STEPS = 24  # of a dispatch, and some: a step that is not there is one in peace

_DISPATCH = """
from datetime import datetime
from reconcile import Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import create_expenses
from tests.live.killing import killed_before
from tests.live.office import COMPANY, expense

url, store, name, now = sys.argv[1:]
moment = datetime.fromisoformat(now)
with Reconciler.open(store, now=lambda: moment) as books:
    watch(books)
    with httpx.Client(transport=Line()) as http:
        client = CodatClient(
            http, api_keys="key", record=books.record, base_url=url,
            now=lambda: moment,
        )
        books.dispatch(client.ask, actor="child").send(
            create_expenses(COMPANY, [expense(name)])
        )
"""


@pytest.mark.parametrize("killed_at", range(1, STEPS + 1))
def test_a_dispatch_killed_before_any_step_is_known_and_sent_once(
    killed_at: int, tmp_path: Path
) -> None:
    sandbox = Sandbox()
    store = url_at(tmp_path / "books.db")
    with serving(sandbox, speed=0) as url:
        now = sandbox.now.isoformat()
        killed_before(killed_at, _DISPATCH, url, store, ONE, now)
        sandbox.advance(timedelta(minutes=10))
        with (
            Reconciler.open(store, now=lambda: sandbox.now) as books,
            httpx.Client() as http,
        ):
            client = CodatClient(
                http,
                api_keys="key",
                record=books.record,
                base_url=url,
                now=lambda: sandbox.now,
            )
            found = books.recover(client.ask, COMPANY, actor="tests")
            company = sandbox.companies.get(COMPANY)
            arrived = company is not None and bool(company.syncs)
            in_doubt = [each for each in found if each.sync_id is None]
            try:
                books.dispatch(client.ask, actor="tests").send(CREATE)
            except InDoubtError:
                assert in_doubt
            except (BusyError, NotToBeSentError):
                assert arrived
            sandbox.advance(timedelta(minutes=20))
            for value in client.statuses(COMPANY).data():
                client.sync_status(COMPANY, value["syncId"])
                list(client.transaction_pages(COMPANY, value["syncId"]))
            (item,) = to_data(books.report())["items"]

    entry = sandbox.books.entry(COMPANY, ONE)
    assert (entry.times if entry else 0) <= 1
    assert not (arrived and in_doubt)
    if entry is None:
        assert item["kind"] == "INDETERMINATE"
    else:
        assert item["state"] in ("matched", "cleared")
