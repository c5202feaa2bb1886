"""What is told leads back to the bytes it rests on, as they came."""

import hashlib
from pathlib import Path

from reconcile import Reconciler
from tests.builders import COMPANY, TRANSACTION
from tests.endpoint.deliveries import endpoint, signed, url_of, webhook


def test_a_story_names_the_bytes_it_rests_on_and_the_store_gives_them_back(
    tmp_path: Path,
) -> None:
    body = webhook()
    with endpoint(tmp_path) as hooks:
        hooks.receive(signed(body), body)

    with Reconciler.open(url_of(tmp_path), create=False) as books:
        (story,) = books.explain(TRANSACTION, company_id=COMPANY)
        (key,) = books.store.evidence_keys()
        evidence = books.store.evidence(key.identity)

    digest = hashlib.sha256(body).hexdigest()
    assert {entry.digest for entry in story.entries} == {digest}
    assert evidence is not None
    assert evidence.request_body == body
