"""What earlier versions kept of others is taken out for good, and told to have been."""

import json
from datetime import UTC, datetime

from reconcile import Reconciler, read_lines, to_data
from reconcile.domain.case_events import EvidenceQuarantined
from reconcile.history import Batch, History
from reconcile.report.wire import digest
from reconcile.storage.evidence import Evidence, digest_of
from reconcile.storage.refused import UntrustedDelivery
from tests.builders import COMPANY, entry, hook, page, url
from tests.engines import bytes_in
from tests.stories.test_bad_input import GOOD, LATER

NOW = datetime(2026, 3, 3, tzinfo=UTC)
KEY = "S3CR3T-KEY"
OF_OTHERS = entry(
    "GET",
    f"https://mail.example/?token={KEY}",
    headers={"Cookie": KEY, "Authorization": f"Bearer {KEY}"},
    answer=f"Dear {KEY}",
).replace(b'"status": 200', b'"status": -1')
OF_CODAT = (
    page(minutes=1)
    .replace(
        b'"headers": []',
        b'"headers": %s'
        % json.dumps([{"name": "Authorization", "value": f"Basic {KEY}"}]).encode(),
    )
    .replace(b"2026-03-02T", b"0001-01-01T")
)


def quarantine_raw(books: Reconciler, raw: bytes, *, reason: str = "odd") -> str:
    """Keep bytes in quarantine as earlier versions did: as they stand, of nobody."""
    name = digest_of(raw).hex()
    evidence = Evidence(
        identity=digest_of(raw),
        kind="bytes",
        observed_at=None,
        company_id=None,
        request_body=raw,
    )
    history, batch = History(books.store), Batch(evidence=[evidence])
    event = EvidenceQuarantined(digest=name, reason=reason, evidence=name)
    history.add_case_event(batch, None, name, event)
    history.commit(batch, now=NOW)
    return name


def holds(books: Reconciler, store_url: str, text: str) -> bool:
    """Return whether a text stands anywhere in what is stored, packed or not."""
    store = books.store
    pieces = bytes_in(store_url)
    for key in store.evidence_keys():
        evidence = store.evidence(key.identity)
        assert evidence is not None
        pieces += [evidence.request_body or b"", evidence.response_body or b""]
        pieces.append(f"{evidence.url} {evidence.headers}".encode())
    pieces += [refused.body or b"" for refused in store.untrusted().newest_first()]
    return any(text.encode() in piece for piece in pieces)


def unprocessed(books: Reconciler, company_id: str | None = None) -> int:
    return books.report(as_of=LATER, company_id=company_id).unprocessed


def test_other_traffic_in_quarantine_is_taken_out_and_counts_no_more(
    books: Reconciler,
    store_url: str,
) -> None:
    books.ingest(read_lines(GOOD))
    before = digest(books.report(as_of=LATER))
    quarantine_raw(books, OF_OTHERS)
    assert holds(books, store_url, KEY)
    assert unprocessed(books) == 1

    result = books.scrub()

    assert (result.rewritten, result.released) == (1, 1)
    assert not holds(books, store_url, KEY)
    assert digest(books.report(as_of=LATER)) == before


def test_codats_in_quarantine_is_kept_without_keys_and_counts_against_its_company(
    books: Reconciler,
    store_url: str,
) -> None:
    name = quarantine_raw(books, OF_CODAT)
    assert unprocessed(books, "another") == 1

    result = books.scrub()

    assert (result.rewritten, result.released) == (1, 0)
    assert not holds(books, store_url, KEY)
    assert (unprocessed(books, COMPANY), unprocessed(books, "another")) == (1, 0)
    assert [piece.digest for piece in books.reprocess().unread] == [name]


def test_what_is_no_entry_is_kept_as_its_digest_and_still_counts(
    books: Reconciler,
    store_url: str,
) -> None:
    quarantine_raw(books, f'{{"headers": "{KEY}", "re'.encode())

    books.scrub()

    assert not holds(books, store_url, KEY)
    assert unprocessed(books, COMPANY) == 1


def test_a_webhook_that_was_signed_with_codats_secret_is_kept_whole(
    books: Reconciler,
    store_url: str,
) -> None:
    reason = "the delivery cannot be recognised as a Codat webhook"
    quarantine_raw(books, b'{"news": "of a new shape"}', reason=reason)

    assert books.scrub().rewritten == 0
    assert holds(books, store_url, "of a new shape")


def test_refused_bodies_that_are_not_codats_are_taken_out(
    books: Reconciler, store_url: str
) -> None:
    ours = json.loads(hook("expenses.sync.successful"))["request"]["postData"]["text"]
    bodies = [f"password={KEY}".encode(), ours.encode()]
    books.store.untrusted().keep(
        [
            UntrustedDelivery.of(
                body, received_at=NOW, reason="x", headers=(), keep_body=True
            )
            for body in bodies
        ]
    )

    assert books.scrub().untrusted == 1
    assert not holds(books, store_url, KEY)


def test_scrubbing_again_changes_nothing(books: Reconciler) -> None:
    for raw in (OF_OTHERS, OF_CODAT, b"rubbish"):
        quarantine_raw(books, raw)
    books.ingest(read_lines([*GOOD, entry("GET", url("/config?key=1"))]))
    books.scrub()
    position, report = books.store.position(), to_data(books.report(as_of=LATER))

    again = books.scrub()

    assert (again.rewritten, again.released, again.untrusted) == (0, 0, 0)
    assert books.store.position() == position
    assert to_data(books.report(as_of=LATER)) == report
    assert books.tie_out().differences == []
