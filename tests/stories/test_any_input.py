"""Any input at all: nothing raises, and everything is counted exactly once."""

import random
from collections.abc import Iterable

from hypothesis import strategies as st

from reconcile import Reconciler, read_document, read_lines
from reconcile.codat.exchange import Captured
from reconcile.intake.take import Intake
from tests.builders import COMPANY, SYNC, create, entry, har, legacy_hook, update, url
from tests.laws import law
from tests.stories.test_bad_input import GOOD, LATER, NOISE, counted

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([10**30, -(10**30), 1e308, 0.5, 2**63, 2**53]),
        st.text(max_size=4),
        st.sampled_from([SYNC, COMPANY, "t1", "Completed", "expenses.sync.odd", ""]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "results",
                        "transactionId",
                        "status",
                        "integrationType",
                        "message",
                    ),
                    *("pageNumber", "pageSize", "totalResults", "id", "items", "lines"),
                    *("syncId", "companyId", "syncStatusCode", "syncStatus", "from"),
                    *("datasetId", "datasetIds", "netAmount", "error", "validation"),
                    *("eventType", "payload", "RuleType", "Data", "referenceCompany"),
                    *("transactions", "generatedDate", "CompanyId", "errors", "type"),
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)
CALLS = st.sampled_from(
    [
        ("GET", "/syncs/s/transactions?page=2"),
        ("GET", "/syncs/s/transactions/t1"),
        ("GET", "/syncs/s/status"),
        ("GET", "/syncs/latest/status"),
        ("GET", "/syncs/list/status"),
        ("POST", "/data/expense-transactions"),
        ("POST", "/syncs"),
        ("POST", "/expense-transactions"),
        ("PUT", "/expense-transactions/t1"),
        ("PUT", "/transfer-transactions/t1"),
        ("GET", "/config"),
    ]
)
STATUSES = st.sampled_from([0, 200, 200, 200, 202, 301, 400, 408, 429, 500])
WHOLE = (*GOOD, *NOISE, update("t1"), legacy_hook("Sync Failed"), create("t2"))


@st.composite
def odd_calls(draw: st.DrawFn) -> bytes:
    """Return a call whose bodies are any JSON at all."""
    method, path = draw(CALLS)
    answer, request = draw(JSON), draw(JSON)
    return entry(
        method, url(path), status=draw(STATUSES), answer=answer, request=request
    )


@st.composite
def odd_deliveries(draw: st.DrawFn) -> bytes:
    """Return a delivery whose body is any JSON at all."""
    headers = draw(st.sampled_from([{}, {"webhook-id": "m"}, {"svix-id": ""}]))
    return entry("POST", "https://us.example/", request=draw(JSON), headers=headers)


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """Return an entry cut off, or with some bytes other than they were."""
    line = bytearray(draw(st.sampled_from(WHOLE)))
    chance = random.Random(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        return bytes(line[: chance.randrange(len(line))])
    for _ in range(draw(st.integers(1, 4))):
        line[chance.randrange(len(line))] = chance.randrange(256)
    return bytes(line)


BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # alone, it is a blank line
RUBBISH = st.binary(max_size=20).filter(lambda item: item.strip() != BYTE_ORDER_MARK)
LINES = st.lists(
    st.one_of(odd_calls(), odd_deliveries(), torn(), RUBBISH),
    max_size=12,
)


def taken_in(url: str, captured: Iterable[Captured]) -> tuple[Intake, Intake]:
    """Return what became of captures, and of the same again; report them too."""
    stored = list(captured)
    with Reconciler.open(url) as books:
        first, again = books.ingest(stored), books.ingest(stored)
        books.reprocess()
        books.report(as_of=LATER)
        return first, again


@law(examples=150, lines=LINES)
def test_no_input_raises_and_every_line_is_counted_once(
    url: str, lines: list[bytes]
) -> None:
    captured = list(read_lines(lines))

    first, again = taken_in(url, captured)

    assert len(captured) == sum(bool(line.strip()) for line in lines)
    assert counted(first) == counted(again) == len(captured)
    assert again.read == 0
    assert again.quarantined == first.quarantined


@law(examples=50, lines=LINES, cut=st.integers(0, 4000))
def test_no_document_raises_however_it_is_torn(
    url: str, lines: list[bytes], cut: int
) -> None:
    document = har(lines)
    document = document[: max(len(document) - cut, document.index(b"[") + 1)]

    captured = list(read_document(document))
    first, _ = taken_in(url, captured)

    assert counted(first) == len(captured)
