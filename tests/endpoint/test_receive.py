"""One delivery, one answer: kept first, whatever it is."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconcile import Reconciler, UsageError
from reconcile.endpoint import Limits, Reply, Trust, WebhookEndpoint
from reconcile.storage.refused import BODY_KEPT_BYTES_MAX
from tests.builders import COMPANY, SYNC
from tests.endpoint.deliveries import (
    NOW,
    OTHER,
    SECRET,
    Clock,
    endpoint,
    evidence_count,
    signed,
    url_of,
    webhook,
)
from tests.engines import bytes_in, locked, tables_of

pytestmark = pytest.mark.usefixtures("engine")


HASTY = Limits(answer_wait_s=0.3)


def untrusted(folder: Path) -> tuple[int, list[str]]:
    """Return how many deliveries were refused, and why, newest first."""
    with Reconciler.open(url_of(folder), create=False) as books:
        apart = books.store.untrusted()
        return apart.counted(), [item.reason for item in apart.newest_first()]


def test_a_store_that_is_locked_is_answered_503_and_redelivery_loses_nothing(
    tmp_path: Path,
) -> None:
    body = webhook()
    with endpoint(tmp_path, limits=HASTY) as hooks:
        with locked(url_of(tmp_path)):
            busy = hooks.receive(signed(body), body)
            forged = hooks.receive({}, body)
        again = hooks.receive(signed(body), body)

    assert (busy.status, busy.headers) == (503, (("retry-after", "30"),))
    assert (forged.status, again.status) == (401, 204)
    assert evidence_count(tmp_path) == 1


def test_a_closed_endpoint_answers_503(tmp_path: Path) -> None:
    hooks = endpoint(tmp_path)
    hooks.close()
    hooks.close()

    assert hooks.receive(signed(webhook()), webhook()).status == 503
    assert hooks.receive({}, webhook()).status == 401


def test_what_waits_when_it_closes_is_kept(tmp_path: Path) -> None:
    hooks = endpoint(tmp_path)
    answers: list[Reply] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(deliver(hooks, n)))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    hooks.close()
    for thread in threads:
        thread.join()

    recorded = [answer for answer in answers if answer.status == 204]
    assert {answer.status for answer in answers} <= {204, 503}
    assert evidence_count(tmp_path) == len(recorded)


def deliver(hooks: WebhookEndpoint, number: int) -> Reply:
    body = webhook(f"sync-{number}")
    return hooks.receive(signed(body, named=f"msg_{number}"), body)


@pytest.mark.parametrize(
    ("spoil", "result"),
    [
        (lambda _: {}, "the delivery is not signed"),
        (
            lambda h: h | {"webhook-id": "msg_2"},
            "none of the delivery's signatures matches a secret of this endpoint",
        ),
        (
            lambda _: signed(webhook(), at=int(NOW.timestamp()) - 3600),
            "the delivery was signed 3600 s ago",
        ),
        (
            lambda _: signed(webhook(), secret=OTHER),
            "none of the delivery's signatures matches a secret of this endpoint",
        ),
    ],
)
def test_a_forged_delivery_is_refused_and_kept_apart(
    tmp_path: Path, spoil: Callable[[dict[str, str]], dict[str, str]], result: str
) -> None:
    with endpoint(tmp_path) as hooks:
        answer = hooks.receive(spoil(signed(webhook())), webhook())

    assert (answer.status, answer.text) == (401, f"{result[0].upper()}{result[1:]}.")
    assert untrusted(tmp_path) == (1, [result])
    assert evidence_count(tmp_path) == 0
    with Reconciler.open(url_of(tmp_path)) as books:
        report = books.report()
        assert (report.syncs, report.unprocessed) == ([], 0)


def test_refused_deliveries_are_bounded_and_counted(tmp_path: Path) -> None:
    with endpoint(tmp_path) as hooks:
        for number in range(1005):
            hooks.receive({"webhook-id": f"msg_{number}"}, webhook())
        hooks.receive({"x-other": "secret"}, b"y" * (BODY_KEPT_BYTES_MAX + 1))

    with Reconciler.open(url_of(tmp_path)) as books:
        apart = books.store.untrusted()
        newest, *others = apart.newest_first()
        assert (apart.counted(), len(others)) == (1006, 999)
        assert (newest.body, newest.headers) == (None, ())
        assert (newest.body_bytes, newest.received_at) == (BODY_KEPT_BYTES_MAX + 1, NOW)
        assert others[-1].headers == (("webhook-id", "msg_6"),)
        assert others[-1].body == webhook()


def test_of_a_refused_delivery_that_is_not_codats_the_digest_alone_is_kept(
    tmp_path: Path,
) -> None:
    with endpoint(tmp_path) as hooks:
        hooks.receive({"webhook-id": "msg_1"}, b"password=hunter2")

    with Reconciler.open(url_of(tmp_path)) as books:
        (refused,) = books.store.untrusted().newest_first()
        assert (refused.body, refused.body_bytes) == (None, 16)


def test_without_a_secret_every_delivery_is_refused(tmp_path: Path) -> None:
    with WebhookEndpoint(url_of(tmp_path), trust=Trust(), now=Clock()) as hooks:
        assert hooks.receive(signed(webhook()), webhook()).status == 401
        assert hooks.receive({}, b"").status == 401


def test_a_body_over_the_limit_is_refused_unread_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = Limits(body_bytes_max=10)
    with (
        caplog.at_level("INFO", "reconcile.endpoint"),
        endpoint(tmp_path, limits=limits) as hooks,
    ):
        answer = hooks.receive(signed(b"x" * 11), b"x" * 11)

    reason = "the body is over the limit of 10 bytes"
    (result,) = caplog.records
    assert answer.status == 413
    assert result.getMessage() == f"delivery refused: {reason}"
    assert vars(result)["codat_bytes"] == 11
    with Reconciler.open(url_of(tmp_path)) as books:
        (item,) = books.store.untrusted().newest_first()
    assert (item.reason, item.body_bytes, item.body, item.body_digest) == (
        reason,
        11,
        None,
        b"",
    )
    assert dict(item.headers)["webhook-id"] == "msg_1"


def test_the_time_to_answer_is_shorter_than_codat_waits() -> None:
    limits = Limits()

    assert limits.read_wait_s + limits.answer_wait_s < 15


def test_bodies_that_are_not_read_are_answered_though_the_store_is_locked(
    tmp_path: Path,
) -> None:
    limits = Limits(body_bytes_max=10, answer_wait_s=0.1)
    with (
        endpoint(tmp_path, limits=limits) as hooks,
        locked(url_of(tmp_path)),
    ):
        assert hooks.receive({}, bytes(11)).status == 413


def test_headers_may_be_bytes_as_servers_hand_them_on(tmp_path: Path) -> None:
    body = webhook()
    scope = [(k.encode(), v.encode()) for k, v in signed(body).items()]
    with endpoint(tmp_path) as hooks:
        answers = [hooks.receive(given, body) for given in (scope, dict(scope))]

    assert [answer.status for answer in answers] == [204, 204]
    assert evidence_count(tmp_path) == 1


@pytest.mark.parametrize("odd", [None, 7, ["v1,x"], bytearray(b"x"), object()])
def test_headers_that_are_no_text_prove_nothing(tmp_path: Path, odd: Any) -> None:
    with endpoint(tmp_path, authorization="Bearer x") as hooks:
        spoilt = dict.fromkeys(signed(webhook()), odd)
        answers = [
            hooks.receive(spoilt | {"authorization": odd}, webhook()),
            hooks.receive([(odd, "x"), ("webhook-id", odd)], webhook()),
        ]

    assert [answer.status for answer in answers] == [401, 401]


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"{", b"[]", b'{"a": 1}', b"[" * 9999]
)
def test_a_signed_delivery_nobody_can_read_is_kept_and_counted(
    tmp_path: Path, body: bytes
) -> None:
    with endpoint(tmp_path) as hooks:
        assert hooks.receive(signed(body), body).status == 204
        assert hooks.receive(signed(body), body).status == 204

    with Reconciler.open(url_of(tmp_path)) as books:
        assert books.report().unprocessed == 1
    assert evidence_count(tmp_path) == 1


def test_a_delivery_received_again_is_one_fact(tmp_path: Path) -> None:
    clock = Clock()
    trust = Trust(secrets=(SECRET,))
    with WebhookEndpoint(url_of(tmp_path), trust=trust, now=clock) as hooks:
        first = hooks.receive(signed(webhook()), webhook())
        clock.now += timedelta(minutes=4)  # Codat signs each attempt anew
        stamp = int(clock.now.timestamp())
        again = hooks.receive(signed(webhook(), at=stamp), webhook())

    assert (first.status, again.status) == (204, 204)
    assert evidence_count(tmp_path) == 1
    with Reconciler.open(url_of(tmp_path)) as books:
        (sync,) = books.report(as_of=NOW + timedelta(hours=1)).syncs
        assert (sync.company_id, sync.sync_id) == (COMPANY, SYNC)


def test_a_replay_under_another_id_is_still_the_same_fact(tmp_path: Path) -> None:
    """A header beside the signed ones makes no new delivery of an old one."""
    older = {k.replace("webhook", "svix"): v for k, v in signed(webhook()).items()}
    with endpoint(tmp_path) as hooks:
        for number in range(3):
            headers = older | {"webhook-id": f"msg_other_{number}"}
            assert hooks.receive(headers, webhook()).status == 204

    assert evidence_count(tmp_path) == 1


def test_a_legacy_delivery_counts_only_where_the_host_says_so(tmp_path: Path) -> None:
    value = "Bearer shared"
    with endpoint(tmp_path) as hooks:
        assert hooks.receive({"Authorization": value}, webhook()).status == 401
    with endpoint(tmp_path, authorization=value) as hooks:
        assert hooks.receive({"Authorization": "Bearer x"}, webhook()).status == 401
        assert hooks.receive({"Authorization": value}, webhook()).status == 204
        assert hooks.receive({"Authorization": value}, b"{}").status == 204

    assert evidence_count(tmp_path) == 2
    assert not any(value.encode() in piece for piece in bytes_in(url_of(tmp_path)))
    with Reconciler.open(url_of(tmp_path)) as books:
        assert books.unprocessed() == 1


def test_an_unsigned_delivery_is_taken_where_the_host_says_so(tmp_path: Path) -> None:
    with endpoint(tmp_path, unsigned=True) as hooks:
        assert hooks.receive({}, webhook()).status == 204

    assert evidence_count(tmp_path) == 1


def test_a_secret_shows_in_no_repr_and_a_wrong_one_is_refused_at_once() -> None:
    trust = Trust(secrets=(SECRET,), authorization="Bearer shared")

    assert SECRET not in repr(trust)
    assert "shared" not in repr(trust)
    with pytest.raises(UsageError, match="secret is malformed"):
        Trust(secrets=("mine",))


def test_deliveries_that_arrive_together_share_a_commit(tmp_path: Path) -> None:
    with endpoint(tmp_path) as hooks:
        deliver(hooks, 10_000)

        async def all_at_once() -> list[Reply]:
            bodies = [webhook(f"sync-{n}") for n in range(100)]
            return await asyncio.gather(
                *(
                    hooks.receive_async(signed(body, named=f"msg_{n}"), body)
                    for n, body in enumerate(bodies)
                )
            )

        answers = asyncio.run(all_at_once())

    assert {answer.status for answer in answers} == {204}
    assert evidence_count(tmp_path) == 101


def test_the_event_loop_goes_on_while_the_store_is_locked(tmp_path: Path) -> None:
    async def beats(hooks: WebhookEndpoint) -> tuple[int, int]:
        delivery = asyncio.create_task(
            hooks.receive_async(signed(webhook()), webhook())
        )
        counted = 0
        while not delivery.done():
            await asyncio.sleep(0.005)
            counted += 1
        return counted, delivery.result().status

    with (
        endpoint(tmp_path, limits=HASTY) as hooks,
        locked(url_of(tmp_path)),
    ):
        counted, status = asyncio.run(beats(hooks))

    assert status == 503
    assert counted > 10


def test_a_stream_that_cannot_be_read_holds_up_no_neighbour(tmp_path: Path) -> None:
    """What it was told is in quarantine, until the stream is mended."""
    with endpoint(tmp_path) as hooks:
        deliver(hooks, 1)
    with tables_of(url_of(tmp_path)) as tables:
        tables.run("UPDATE stored_events SET state = ?", b"\0")

    with endpoint(tmp_path) as hooks:

        async def both() -> list[Reply]:
            bodies = {
                "msg_2": webhook("sync-1", status="PushError"),
                "msg_3": webhook("sync-2"),
            }
            return await asyncio.gather(
                *(
                    hooks.receive_async(signed(body, named=named), body)
                    for named, body in bodies.items()
                )
            )

        answers = asyncio.run(both())

    assert [answer.status for answer in answers] == [204, 204]
    assert evidence_count(tmp_path) == 3
    with Reconciler.open(url_of(tmp_path)) as books:
        assert books.unprocessed() == 1
        assert "sync-2" in {sync.sync_id for sync in books.report().syncs}
