"""Evidence on every engine: bodies by digest, rewritten for good, damage named."""

import zlib
from datetime import UTC, datetime

import pytest

from reconcile import StoreError
from reconcile.storage.evidence import Evidence, EvidenceKey, digest_of
from reconcile.storage.ports import Store
from tests.builders import at
from tests.engines import bytes_in, rows_of, tables_of
from tests.storage.opened import begun, filled


def test_evidence_comes_back_with_every_field(store: Store) -> None:
    given = Evidence(
        identity=b"i" * 32,
        kind="exchange",
        observed_at=datetime(2026, 3, 2, 9, 0, 0, 123_456, tzinfo=UTC),
        company_id="c",
        method="POST",
        url="https://api.codat.io/ä?q=%00",
        status=202,
        headers=(("content-type", "text/plain"), ("webhook-id", 'a "b"')),
        request_body=b"\x00\x01\xff" * 1000,
        response_body=b"",
        body_dropped=True,
    )
    store.append([begun(1)], [given], recorded_at=at(1))

    assert store.evidence(b"i" * 32) == given
    assert store.evidence(b"j" * 32) is None
    (receipt,) = store.receipts(b"i" * 32)
    receipt.check()
    assert receipt.request_digest == digest_of(given.request_body or b"")


def test_a_body_that_came_often_is_stored_once(store: Store, store_url: str) -> None:
    pieces = [
        filled(b"same", identity=bytes([n]) * 32, observed_at=at(n), answer=b"same")
        for n in range(5)
    ]
    store.append([begun(1)], pieces[:3], recorded_at=at(9))
    store.append([begun(2)], pieces[3:], recorded_at=at(9))

    assert rows_of(store_url, "SELECT digest, size FROM bodies") == [
        (digest_of(b"same"), 4)
    ]
    assert [store.evidence(bytes([n]) * 32) for n in range(5)] == pieces


def test_keys_come_in_the_order_of_their_coming(store: Store) -> None:
    names = [bytes([n]) * 32 for n in (9, 3, 7, 1)]
    for version, name in enumerate(names, start=1):
        piece = filled(b"x", identity=name, observed_at=at(version), url=f"/{version}")
        store.append([begun(version)], [piece], recorded_at=at(0))

    assert store.evidence_keys() == [
        EvidenceKey(name, "exchange", "GET", f"/{n}")
        for n, name in enumerate(names, start=1)
    ]


def test_deliveries_are_found_by_the_digest_of_their_body(store: Store) -> None:
    delivery = Evidence(
        identity=b"d" * 32,
        kind="delivery",
        observed_at=at(0),
        company_id="c",
        request_body=b"hook",
    )
    other = filled(b"hook", identity=b"x" * 32)  # no delivery
    store.append([begun(1)], [delivery, other], recorded_at=at(0))

    assert store.deliveries_of(digest_of(b"hook")) == {b"d" * 32: "c"}
    assert store.deliveries_of(digest_of(b"other")) == {}


def test_a_body_is_found_by_its_digest_alone(store: Store) -> None:
    store.append([begun(1)], [filled(b"sent", identity=b"x" * 32)], recorded_at=at(0))

    assert store.body(digest_of(b"sent")) == b"sent"
    assert store.body(digest_of(b"other")) is None


def test_what_is_rewritten_is_gone_and_its_time_stays(
    store: Store, store_url: str
) -> None:
    secret = filled(b"S3CR3T" * 10, observed_at=at(0), url="/?key=S3CR3T")
    shared = filled(b"shared", identity=b"s" * 32, observed_at=at(0))
    store.append([begun(1)], [secret, shared], recorded_at=at(3))

    store.rewrite([filled(b"nothing", observed_at=at(9), url="/?key=")])
    store.compact()

    found = store.evidence(b"e" * 32)
    assert found is not None
    assert (found.request_body, found.url) == (b"nothing", "/?key=")
    assert found.observed_at == at(0)
    assert store.evidence(b"s" * 32) == shared
    assert not any(b"S3CR3T" in piece for piece in bytes_in(store_url))
    bodies = {digest for (digest,) in rows_of(store_url, "SELECT digest FROM bodies")}
    assert bodies == {digest_of(b"nothing"), digest_of(b"shared")}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is missing from the store"), (b"\x00\xff", "a stored body is damaged")],
)
def test_a_body_that_is_not_there_or_damaged_is_named(
    store: Store, store_url: str, content: bytes | None, words: str
) -> None:
    store.append([begun(1)], [filled(b"body")], recorded_at=at(0))
    with tables_of(store_url) as tables:
        if content is None:
            tables.run("DELETE FROM bodies")
        else:
            tables.run("UPDATE bodies SET content = ?", content)

    with pytest.raises(StoreError, match=words):
        store.receipts(b"e" * 32)


def test_other_bytes_in_a_bodys_place_are_found(store: Store, store_url: str) -> None:
    store.append([begun(1)], [filled(b"body")], recorded_at=at(0))
    with tables_of(store_url) as tables:
        tables.run("UPDATE bodies SET content = ?", zlib.compress(b"other"))

    (receipt,) = store.receipts(b"e" * 32)

    with pytest.raises(StoreError, match="are others: theirs is sha256:"):
        receipt.check()


def test_a_store_that_nobody_damaged_passes_its_check(store: Store) -> None:
    store.check()
    store.append([begun(1), begun(2)], [filled(b"x")], recorded_at=at(0))
    store.check()
    store.check_writable()
    store.confirm()
    assert store.lost() is None
