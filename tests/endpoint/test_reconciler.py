"""A host's own view hands a delivery to the reconciler itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile import Reconciler, SignatureError, Trust
from tests.builders import SYNC
from tests.endpoint.deliveries import OTHER, SECRET, Clock, signed, url_of, webhook


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Reconciler]:
    trust = Trust(secrets=(SECRET,))
    with Reconciler.open(url_of(tmp_path), now=Clock(), trust=trust) as opened:
        yield opened


def test_a_delivery_that_is_not_signed_by_a_secret_is_kept_apart(
    books: Reconciler,
) -> None:
    body = webhook()

    with pytest.raises(SignatureError, match="matches a secret"):
        books.receive_webhook(signed(body, secret=OTHER), body)

    (refused,) = books.store.untrusted().newest_first()
    assert (refused.body, refused.reason[:4]) == (body, "none")
    assert books.report().syncs == []


def test_a_reconciler_without_a_secret_takes_no_delivery(tmp_path: Path) -> None:
    body = webhook()

    with (
        Reconciler.open(url_of(tmp_path), now=Clock()) as books,
        pytest.raises(SignatureError, match="no webhook secret"),
    ):
        books.receive_webhook(signed(body), body)


def test_a_signed_delivery_is_taken_in_once_however_often_it_comes(
    books: Reconciler,
) -> None:
    body = webhook()

    first = books.receive_webhook(signed(body), body)
    again = books.receive_webhook([*signed(body).items()], body)

    assert (first.read, again.read, again.seen_before) == (1, 0, 1)
    assert [sync.sync_id for sync in books.report().syncs] == [SYNC]


def test_a_signed_delivery_nobody_can_read_is_in_quarantine(books: Reconciler) -> None:
    intake = books.receive_webhook(signed(b"<html>"), b"<html>")

    assert intake.quarantined == books.unprocessed() == 1
