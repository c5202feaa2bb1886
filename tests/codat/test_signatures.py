"""Who sent a delivery: Codat's vector, the reference library, and liars."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from reconcile.codat.signatures import authorised, key_of, verify
from reconcile.errors import SignatureError, UsageError
from tests.endpoint.deliveries import NOW, OTHER, SECRET, signed

# Source: Codat docs, webhooks, "Create consumer", read 2026-11-22.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - Codat's own example
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
VECTOR_NOW = datetime.fromtimestamp(1614265330, UTC)


def verified(
    headers: dict[str, str],
    body: bytes = b"{}",
    *,
    secrets: tuple[str, ...] = (SECRET,),
    now: datetime = NOW,
) -> str:
    return verify(
        headers, body, secrets=secrets, now=now, tolerance=timedelta(minutes=5)
    )


def why_not(
    headers: dict[str, str], body: bytes = b"{}", *, now: datetime = NOW
) -> str:
    with pytest.raises(SignatureError) as refused:
        verified(headers, body, now=now)
    return str(refused.value)


@pytest.mark.parametrize("missing", ["id", "timestamp", "signature"])
def test_a_delivery_without_one_of_the_three_headers_is_not_signed(
    missing: str,
) -> None:
    headers = signed(b"{}")
    del headers[f"webhook-{missing}"]

    assert why_not(headers) == "the delivery is not signed"


def test_another_secret_another_body_or_another_id_is_no_proof() -> None:
    result = "none of the delivery's signatures matches a secret of this endpoint"

    assert why_not(signed(b"{}", secret=OTHER)) == result
    assert why_not(signed(b"{}"), b"{ }") == result
    assert why_not(signed(b"{}") | {"webhook-id": "msg_2"}) == result


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "1.0", "１", "9" * 99, " 1"])
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(stamp: str) -> None:
    why_not(signed(b"{}") | {"webhook-timestamp": stamp})


@pytest.mark.parametrize(
    ("late_s", "result"), [(301, "signed 301 s ago"), (-301, "301 s in the future")]
)
def test_a_delivery_out_of_its_time_is_refused(late_s: int, result: str) -> None:
    assert result in why_not(signed(b"{}"), now=NOW + timedelta(seconds=late_s))


def test_within_the_tolerance_either_way_it_stands() -> None:
    for late_s in (-300, 300):
        assert verified(signed(b"{}"), now=NOW + timedelta(seconds=late_s)) == "msg_1"


@pytest.mark.parametrize("named", ["msg.1", "msg 1", 'msg"', "é", "m" * 257, "\x00"])
def test_an_id_that_codat_would_not_give_is_refused(named: str) -> None:
    assert "id is malformed" in why_not(signed(b"{}") | {"webhook-id": named})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", "secret", "whsec_é"])
def test_a_secret_that_is_none_is_told_without_repeating_it(secret: str) -> None:
    with pytest.raises(UsageError, match="secret is malformed") as refused:
        key_of(secret)

    assert not any(part in str(refused.value) for part in ("?", "é"))


def test_codats_own_vector_is_verified_at_its_time() -> None:
    assert (
        verified(VECTOR, VECTOR_BODY, secrets=(VECTOR_SECRET,), now=VECTOR_NOW)
        == VECTOR["webhook-id"]
    )


def test_the_older_names_are_known_and_believed_first() -> None:
    older = {k.replace("webhook", "svix"): v for k, v in signed(b"{}").items()}
    newer = signed(b"{}", named="msg_2", secret=OTHER)

    assert verified(older) == "msg_1"
    assert verified(newer | older) == "msg_1"
    del older["svix-signature"]
    assert verified(signed(b"{}", named="msg_3") | older) == "msg_3"


def test_names_are_known_in_any_case_and_the_first_counts() -> None:
    pairs = [(name.title(), value) for name, value in signed(b"{}").items()]
    pairs.append(("webhook-id", "msg_2"))

    result = verify(
        pairs, b"{}", secrets=[SECRET], now=NOW, tolerance=timedelta(minutes=5)
    )

    assert result == "msg_1"


def test_any_of_several_secrets_and_any_of_several_signatures_will_do() -> None:
    headers = signed(b"{}", secret=OTHER)
    mine = signed(b"{}")["webhook-signature"]
    headers["webhook-signature"] = f"v2,x v1a,y {headers['webhook-signature']} {mine}"

    assert verified(headers) == verified(headers, secrets=(OTHER,)) == "msg_1"
    assert verified(signed(b"{}"), secrets=(OTHER, SECRET)) == "msg_1"


def test_a_signature_of_another_version_is_no_proof() -> None:
    headers = signed(b"{}")
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v2,")

    assert "none of the delivery's signatures" in why_not(headers)


@given(
    st.dictionaries(
        st.sampled_from([*VECTOR, *(k.replace("webhook", "svix") for k in VECTOR)]),
        st.text(st.characters(exclude_categories=()))
        | st.sampled_from([*VECTOR.values()]),
    ),
    st.binary(),
)
@settings(max_examples=500)
def test_whatever_the_headers_and_bytes_are_they_are_refused_in_a_sentence(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(SignatureError):
        verified(headers, body)


def _json(body: str) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


@given(
    st.text().map(_json),
    st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    st.sampled_from(["", "body", "id", "stamp", "signature"]),
    st.integers(-400, 400).filter(lambda late: abs(abs(late) - 300) > 20),
)
@settings(max_examples=300)
def test_the_reference_library_says_the_same(
    body: bytes, named: str, broken: str, late_s: int
) -> None:
    """Of one secret, the present moment and UTF-8: it knows no other."""
    now = datetime.now(UTC)
    headers = signed(body, named=named, at=int(time.time()) - late_s)
    match broken:
        case "body":
            body += b" "
        case "id":
            headers["webhook-id"] += "x"
        case "stamp":
            headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
        case "signature":
            headers["webhook-signature"] = "v1," + base64.b64encode(bytes(32)).decode()

    try:
        Webhook(SECRET).verify(body, headers)
        expected = True
    except WebhookVerificationError:
        expected = False
    try:
        ours = verified(headers, body, now=now) == headers["webhook-id"]
    except SignatureError:
        ours = False

    assert ours == expected


@given(st.binary())
def test_bytes_that_are_no_utf_8_are_verified_as_they_are(body: bytes) -> None:
    assert verified(signed(body), body) == "msg_1"


def test_a_signature_is_by_the_whole_content() -> None:
    content = b"msg_1." + str(int(NOW.timestamp())).encode() + b".{}"
    digest = hmac.new(key_of(SECRET), content, hashlib.sha256).digest()

    created = signed(b"{}")["webhook-signature"]

    assert created == f"v1,{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("given_value", "known"),
    [("Bearer abc", True), ("bearer abc", False), ("", False), ("Bearer ü", False)],
)
def test_a_legacy_rule_is_known_by_the_value_it_was_given(
    given_value: str, *, known: bool
) -> None:
    assert authorised({"Authorization": given_value}, "Bearer abc") is known
    assert not authorised({}, "Bearer abc")
