"""Who hears of a sync, and in which words."""

from typing import Any

import pytest

from reconcile import Reconciler
from reconcile.domain.vocabulary import NoticeKind
from reconcile.sandbox import Ledger, Sandbox
from reconcile.sandbox.world import SyncedRow
from tests.sandbox.calls import COMPANY, create_expenses, wait
from tests.sandbox.hooks import DONE, SYNC, Listener, bench, exchange, notice

HOOKS = "http://localhost:9/hooks"


def test_a_completed_sync_is_told_as_successful_with_a_row_a_transaction() -> None:
    sandbox, listener = Sandbox(), Listener()
    sandbox.webhooks.subscribe_callable(listener)
    sync = create_expenses(sandbox, "t1", "t2")

    wait(sandbox)

    (seen,) = map(notice, listener.heard)
    assert (seen.kind, seen.event_type) == (
        NoticeKind.SUCCESSFUL,
        "expenses.sync.successful",
    )
    assert (seen.company_id, seen.sync_id) == (COMPANY, sync)
    assert [(row[0], row[1], row[3]) for row in seen.rows] == [
        ("t1", "Completed", None),
        ("t2", "Completed", None),
    ]
    assert seen.dated
    assert seen.at == sandbox.state.sync(COMPANY, sync)[1].ended_at


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("Completed", "PushError"), "PushError"),
        (("ValidationError", "Completed"), "Failed"),
        (("Unknown", "Completed"), "Unknown"),
        (("Pending", "Pending"), "Pending"),
        (("ValidationError", "PushError"), "PushError"),
    ],
)
def test_a_transaction_is_told_by_the_worst_word_of_its_legs(
    words: tuple[str, str], word: str
) -> None:
    kit, listener = bench(), Listener()
    kit.hooks.subscribe_callable(listener)
    legs = ("bankfeeds", "expense")

    kit.fail(
        *(
            SyncedRow(
                transaction_id="t1", leg=leg, status=item, message=f"{item} it was"
            )
            for leg, item in zip(legs, words, strict=True)
        )
    )
    kit.wait(seconds=1)

    (row,) = listener.bodies[0]["payload"]["transactions"]
    told_as = "ValidationError" if word == "Failed" else word
    assert row == {"id": "t1", "status": word, "errorMessage": f"{told_as} it was"}
    assert notice(listener.heard[0]).kind == NoticeKind.UNSUCCESSFUL


def test_a_current_envelope_has_the_fields_of_codats_examples() -> None:
    kit, listener = bench(transactions=False), Listener()
    kit.hooks.company_tags[COMPANY] = {"region": "north"}
    kit.hooks.subscribe_callable(listener)

    kit.complete(DONE)
    kit.wait(seconds=1)

    (body,) = listener.bodies
    assert set(body) == {"id", "eventType", "generatedDate", "payload"}
    assert body["generatedDate"] == "2026-01-05T09:00:00.0000000Z"
    assert body["payload"] == {
        "referenceCompany": {
            "id": COMPANY,
            "name": "Toft stores",
            "links": {"portal": f"https://app.codat.io/companies/{COMPANY}/summary"},
            "tags": {"region": "north"},
        },
        "syncId": SYNC,
    }


@pytest.mark.parametrize("generation", ["current", "interim"])
def test_the_later_services_tell_of_no_start(generation: Any) -> None:
    kit, listener = bench(), Listener()
    kit.hooks.subscribe_callable(listener, generation=generation)

    kit.start()
    kit.wait(seconds=1)

    assert listener.heard == []


def test_the_interim_service_signed_the_old_bodies() -> None:
    kit, listener = bench(), Listener()
    kit.hooks.subscribe_callable(listener, generation="interim")

    kit.fail(DONE)
    kit.wait(seconds=1)

    (heard,) = listener.heard
    assert heard.event_type == "SyncFailed"
    assert "RuleId" not in listener.bodies[0]  # unpopulated since the migration
    assert {"webhook-id", "webhook-signature"} <= dict(heard.headers).keys()
    assert notice(heard).kind == NoticeKind.FAILED


def test_a_sync_that_completed_can_be_told_as_unsuccessful() -> None:
    kit, listener = bench(contradicts=lambda _: True), Listener()
    kit.hooks.subscribe_callable(listener)

    kit.complete(DONE)
    kit.wait(seconds=1)

    (body,) = listener.bodies
    assert body["eventType"] == "expenses.sync.unsuccessful"
    assert body["payload"]["transactions"][0]["status"] == "Completed"


def test_what_the_sandbox_tells_is_what_the_library_reports(books: Reconciler) -> None:
    sandbox, listener = Sandbox(), Listener()
    sandbox.company(COMPANY, ledger=Ledger(bank_feed_taken=True))
    for generation in ("legacy", "interim", "current"):
        sandbox.webhooks.subscribe_callable(listener, generation=generation)
    create_expenses(sandbox, "t1")
    wait(sandbox)

    for heard in listener.heard:
        books.record(exchange(heard))

    report = books.report(as_of=sandbox.now)
    assert [(item.transaction_id, item.item.state) for item in report.items] == [
        ("t1", "break")
    ]
    assert len(listener.heard) == 4  # a start, and the failure three times
