"""Signatures, by Codat's own vector."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

from reconcile.sandbox.deliveries import Delivery
from reconcile.sandbox.signatures import signed
from tests.sandbox.hooks import DONE, SECRET, Listener, bench

OTHER = "whsec_" + base64.b64encode(b"another key of 24 bytes!").decode()


def delivered(**given: Any) -> Delivery:
    """Return a delivery to a subscriber with SECRET."""
    kit, listener = bench(**given), Listener()
    kit.hooks.subscribe_callable(listener, secret=SECRET)
    kit.complete(DONE)
    kit.wait(seconds=1)
    return listener.heard[0]


def expected(delivery: Delivery, secret: str) -> str:
    stamp = int(delivery.at.timestamp())
    content = f"{delivery.message_id}.{stamp}.{delivery.body.decode()}"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, content.encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def test_codats_own_vector_comes_out() -> None:
    headers = signed(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        secrets=[SECRET],
    )

    assert headers == (
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    )


def test_a_delivery_is_signed_over_its_id_its_time_and_its_body() -> None:
    heard = delivered()

    assert dict(heard.headers)["webhook-signature"] == expected(heard, SECRET)


def test_the_headers_can_have_the_older_names() -> None:
    heard = delivered(names="svix")

    assert [name for name, _ in heard.headers[1:]] == [
        "svix-id",
        "svix-timestamp",
        "svix-signature",
    ]


def test_for_a_day_after_a_rotation_both_secrets_sign() -> None:
    kit, listener = bench(), Listener()
    consumer = kit.hooks.subscribe_callable(listener, secret=SECRET)
    kit.hooks.rotate(consumer, OTHER)

    kit.complete(DONE)
    kit.wait(days=1, seconds=1)
    kit.complete(DONE)
    kit.wait(seconds=1)

    first, second = (
        dict(item.headers)["webhook-signature"].split(" ") for item in listener.heard
    )
    assert first == [expected(listener.heard[0], entry) for entry in (OTHER, SECRET)]
    assert second == [expected(listener.heard[1], OTHER)]


def test_secrets_are_drawn_and_kept_out_of_sight() -> None:
    kit = bench()

    consumer = kit.hooks.subscribe_callable(Listener())

    (secret,) = kit.hooks.consumer(consumer).secrets
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 24
    assert secret not in repr(kit.hooks.consumer(consumer))
