"""The client against the sandbox: all it does is on record, and the books agree."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile import Exchange, Reconciler
from reconcile.codat import requests
from reconcile.codat.client.account import utc_now
from reconcile.codat.client.answers import Answer
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.quota import Priority, Quota
from reconcile.codat.requests import Request
from reconcile.errors import CodatUnavailable, PayloadError
from reconcile.sandbox import Sandbox, Settings
from reconcile.sandbox.scenarios import Scenario
from reconcile.sandbox.server import serving
from tests.codat.client.clients import (
    async_at,
    client_at,
    ignore,
    keyed,
    let_syncs_end,
    response,
    wired,
)
from tests.codat.test_requests import ADJUSTMENT, CALLS, REIMBURSABLE, TRANSFER
from tests.sandbox.calls import COMPANY, expense
from tests.sandbox.environments import CURRENT, python_with

IDS = [f"{n:08d}-7770-412b-91bb-44d3bc71d111" for n in range(1, 8)]
KEY = "6a1b2c3d-0000-4000-8000-000000000001"


@pytest.fixture
def sandbox() -> Sandbox:
    created = keyed()
    created.company(COMPANY)
    return created


@pytest.fixture
def books(sandbox: Sandbox, tmp_path: Path) -> Iterator[Reconciler]:
    store = f"sqlite:///{tmp_path / 'books.db'}"
    with Reconciler.open(store, now=lambda: sandbox.now) as opened:
        yield opened


def states(books: Reconciler) -> dict[str, str]:
    return {item.transaction_id: str(item.item.state) for item in books.report().items}


def test_a_dataset_pushed_synced_and_read_is_matched(
    sandbox: Sandbox, books: Reconciler
) -> None:
    codat = client_at(sandbox, books.record)

    pushed = codat.push_dataset(COMPANY, [expense(item) for item in IDS])
    started = codat.start_sync(COMPANY, [pushed.named("datasetId")])
    sync_id = started.named("syncId")
    let_syncs_end(sandbox)
    status = codat.sync_status(COMPANY, sync_id).data()
    pages = [*codat.transaction_pages(COMPANY, sync_id, page_size=3)]

    assert status["syncStatusCode"] == 2000
    assert len(pages) == 5  # of two legs an expense
    assert states(books) == dict.fromkeys(IDS, "matched")
    assert books.report().syncs[0].listing == "complete"


def test_the_async_client_tells_the_same_story(
    sandbox: Sandbox, books: Reconciler
) -> None:
    async def story() -> None:
        codat = async_at(sandbox, books.record)
        created = await codat.create_expenses(COMPANY, [expense(item) for item in IDS])
        sync_id = created.named("syncId")
        let_syncs_end(sandbox)
        assert (await codat.latest_status(COMPANY)).data()["syncId"] == sync_id
        pages = codat.transaction_pages(COMPANY, sync_id, page_size=5)
        assert [len(page.data()["results"]) async for page in pages] == [5, 5, 4]
        assert [page.status async for page in codat.companies()] == [200]

    asyncio.run(story())

    assert states(books) == dict.fromkeys(IDS, "matched")


def test_every_call_of_both_dialects_is_taken_and_recorded(sandbox: Sandbox) -> None:
    recorded: list[Exchange] = []
    codat = client_at(sandbox, recorded.append)
    answers = [*_everything(codat, sandbox)]

    assert [answer.status for answer in answers if not answer.accepted] == []
    assert [answer.exchange for answer in answers] == recorded
    assert all(item.header("authorization") is None for item in recorded)


def _everything(codat: CodatClient, sandbox: Sandbox) -> Iterator[Answer]:
    pushed = codat.push_dataset(COMPANY, [expense(IDS[0])], key=KEY)
    yield pushed
    started = codat.start_sync(COMPANY, [pushed.named("datasetId")])
    yield started
    yield codat.create_expenses(COMPANY, [expense(IDS[1])])
    yield codat.create_adjustments(COMPANY, [{**ADJUSTMENT, "id": IDS[2]}])
    yield codat.create_reimbursables(COMPANY, [{"id": IDS[3], **REIMBURSABLE}])
    yield codat.put_transfer(COMPANY, IDS[4], TRANSFER)
    let_syncs_end(sandbox)
    changed = {name: v for name, v in expense(IDS[1]).items() if name != "id"}
    yield codat.update_expense(COMPANY, IDS[1], changed)
    yield codat.update_reimbursable(COMPANY, IDS[3], REIMBURSABLE)
    sync_id = started.named("syncId")
    yield codat.sync_status(COMPANY, sync_id)
    yield codat.latest_status(COMPANY)
    yield codat.last_successful_status(COMPANY)
    yield codat.statuses(COMPANY)
    yield codat.transaction(COMPANY, sync_id, IDS[0])
    yield codat.attach(COMPANY, sync_id, IDS[0], name="a.png", content=b"\x89PNG")
    yield from codat.transaction_pages(COMPANY, sync_id)
    yield from codat.companies()
    yield codat.company(COMPANY)
    yield codat.webhook_consumers()


def test_an_answer_that_names_nothing_is_said() -> None:
    answer = wired(response(200, {"syncId": ""})).client.create_expenses(COMPANY, [{}])

    with pytest.raises(PayloadError, match="has no such id") as caught:
        answer.named("syncId")

    assert caught.value.digest


def test_an_answer_that_breaks_off_in_its_json_is_said() -> None:
    answer = wired(httpx.Response(200, content=b'[{"a"')).client.statuses(COMPANY)

    with pytest.raises(PayloadError, match="not JSON") as caught:
        answer.data()

    assert caught.value.digest


def test_a_company_is_one_however_its_id_is_written() -> None:
    created = [requests.statuses(item) for item in (COMPANY, COMPANY.upper())]

    assert {entry.company_id for entry in created} == {COMPANY}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("keyed_", [True, False], ids=["keys", "no keys"])
def test_through_every_trouble_no_expense_is_sent_twice_unknown_or_lost(
    seed: int, keyed_: bool, tmp_path: Path
) -> None:
    """Whoever sends again only what is safe to has each expense synced at most once."""
    trouble = Scenario(
        name="trouble",
        answers_lost=0.15,
        calls_cut=0.1,
        throttled=0.1,
        unavailable=0.1,
        slow=0.1,
    )
    sandbox = Sandbox(scenario=trouble, seed=seed)
    recorded: list[Exchange] = []
    codat = client_at(sandbox, recorded.append)
    known, doubtful = set(), set()
    for number in range(12):
        name = f"{number:08d}-7770-412b-91bb-44d3bc71d111"
        key = f"{number:08d}-0000-4000-8000-000000000001" if keyed_ else None
        try:
            known.add(
                codat.create_expenses(COMPANY, [expense(name)], key=key).named("syncId")
            )
        except CodatUnavailable as error:
            if not error.safe_to_resend:
                doubtful.add(name)
        let_syncs_end(sandbox)

    syncs = sandbox.companies[COMPANY].syncs if COMPANY in sandbox.companies else {}
    sent = [row.transaction_id for sync in syncs.values() for row in sync.rows]
    assert known <= set(syncs)
    assert len(set(syncs) - known) <= len(doubtful)
    assert all(sent.count(name) <= 2 for name in sent)  # its two legs
    with Reconciler.open(
        f"sqlite:///{tmp_path / 'b.db'}", now=lambda: sandbox.now
    ) as books:
        assert books.ingest(recorded).quarantined == 0
        assert set(states(books)) >= doubtful


def test_the_quota_is_learnt_from_what_codat_says(sandbox: Sandbox) -> None:
    codat = client_at(sandbox, ignore)

    codat.statuses(COMPANY)

    figures = codat.figures()
    assert (figures.limit, figures.used, figures.learnt) == (2000, 1, True)
    assert figures.resets_at == sandbox.now.replace(hour=0) + timedelta(days=1)


@pytest.mark.parametrize("form", ["date", "seconds"])
def test_codats_quota_of_a_minute_is_never_overrun(form: Any) -> None:
    sandbox = Sandbox(settings=Settings(reset=form, retry_after=form))
    sandbox.company(COMPANY)
    recorded: list[Exchange] = []
    codat = client_at(sandbox, recorded.append)

    for _ in range(1100):
        codat.statuses(COMPANY)

    assert {item.status for item in recorded} == {200}
    assert len(recorded) == 1100


def test_a_quota_that_others_use_up_too_is_waited_for(sandbox: Sandbox) -> None:
    codat = client_at(sandbox, ignore, quota=Quota(per_minute=10**6))
    other = client_at(sandbox, ignore, quota=Quota(per_minute=10**6))
    for _ in range(600):
        other.statuses(COMPANY)

    assert {codat.statuses(COMPANY).status for _ in range(600)} == {200}


def test_threads_share_a_client_its_keys_and_its_quota() -> None:
    sandbox = Sandbox(settings=Settings(api_keys=("new",)))
    sandbox.company(COMPANY)
    recorded: list[Exchange] = []
    codat = client_at(sandbox, recorded.append, api_keys=("old", "new"))

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(codat.statuses, [COMPANY] * 80)]

    assert {answer.status for answer in answers} == {200}
    assert sum(item.status == 401 for item in recorded) <= 8
    assert codat.figures().in_flight == {}


def test_tasks_share_a_client_and_no_company_has_more_than_ten_at_once() -> None:
    sandbox = Sandbox()
    sandbox.company(COMPANY)
    at_once: list[int] = []

    async def asked() -> list[Answer]:
        async def keep(_: Exchange) -> None:
            await asyncio.sleep(0.001)
            at_once.append(codat.figures().in_flight[COMPANY])

        codat = async_at(sandbox, keep, now=utc_now, sleep=asyncio.sleep)
        many = [
            codat.statuses(COMPANY, priority=Priority(n % 4 + 1)) for n in range(99)
        ]
        return await asyncio.gather(*many)

    answers = asyncio.run(asked())

    assert {answer.status for answer in answers} == {200}
    assert max(at_once) <= 10


def test_over_a_real_server_the_story_is_the_same(tmp_path: Path) -> None:
    sandbox = Sandbox()
    recorded: list[Exchange] = []
    with (
        serving(sandbox) as url,
        CodatClient.connected(
            api_keys="any", record=recorded.append, base_url=url
        ) as codat,
    ):
        created = codat.create_expenses(COMPANY, [expense(item) for item in IDS])
        let_syncs_end(sandbox)
        codat.sync_status(COMPANY, created.named("syncId"))
        list(codat.transaction_pages(COMPANY, created.named("syncId")))

    with Reconciler.open(f"sqlite:///{tmp_path / 'b.db'}") as books:
        books.ingest(recorded)
        assert states(books) == dict.fromkeys(IDS, "matched")


READ_BY_THE_SDK = """
import json, sys
from codat_sync_for_expenses.models import shared
for name, body in map(json.loads, sys.stdin):
    data = json.loads(body)
    for one in data if isinstance(data, list) else [data]:
        made = getattr(shared, name).from_dict(one)
        print(json.dumps(made.to_dict() == one))
"""
"""Codat's own models read the bodies; what they cannot read ends the program."""


def test_codats_own_sdk_reads_what_we_send() -> None:
    sent = _bodies()
    lines = "".join(json.dumps([name, body.decode()]) + "\n" for name, body in sent)

    done = subprocess.run(
        [str(python_with(CURRENT)), "-I", "-c", READ_BY_THE_SDK],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["true"] * len(sent)


def _bodies() -> list[tuple[str, bytes]]:
    def body(request: Request) -> bytes:
        return request.body or b""

    return [
        ("ExpenseTransaction", body(CALLS["create"][0])),
        ("AdjustmentTransactionRequest", body(CALLS["adjust"][0])),
        ("ReimbursableExpenseTransaction", body(CALLS["reimburse"][0])),
        ("UpdateExpenseRequest", body(CALLS["update"][0])),
        ("TransferTransactionRequest", body(CALLS["transfer"][0])),
        (
            "UpdateReimbursableExpenseTransactionRequest",
            body(CALLS["update reimbursable"][0]),
        ),
    ]
