"""Months of a few companies, and filters of them, drawn for laws."""

from typing import Any

from hypothesis import strategies as st

from reconcile.console.filter import BOOKED, Filter
from reconcile.domain.instants import EPOCH
from reconcile.report.groups import Judged
from reconcile.report.money import BUCKETS, bucket_of, is_priced
from tests.builders import create_of, expense_of, page, row, status, uuid_of

COMPANIES = ("company-a", "company-b", "company-c")
DAYS = ("2026-01-31", "2026-02-01", "2026-02-28", None)
AMOUNTS = (
    "10",
    "10.50",
    "-3.25",
    "0",
    "0.000000001",
    "0.0000000001",
    "999999999999.99",
    "1000000000000",
    "123456789012345678901234567890.12",
)
MERCHANTS = ("Shell", "Amazon UK", "ﬀ Straße", "O'Neill%_", None)
MESSAGES = (
    "The document date cannot be before the period lock date.",
    "Account code '475' is not a valid code for this document.",
    None,
)


@st.composite
def _sent(draw: st.DrawFn, number: int) -> list[bytes]:
    """Draw one call with its end, and its page or none."""
    company = draw(st.sampled_from(COMPANIES))
    sync, minutes = f"sync-{number}", 60 * number
    names = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True))
    expenses = [
        expense_of(
            uuid_of(name),
            draw(st.sampled_from(AMOUNTS)),
            kind=draw(st.sampled_from(["Payment", "Refund", "Transfer"])),
            currency=draw(st.sampled_from(["GBP", "JPY", None])),
            issued=draw(st.sampled_from(DAYS)),
            merchant=draw(st.sampled_from(MERCHANTS)),
        )
        for name in names
    ]
    words = st.sampled_from(["Completed", "PushError", "Pending"])
    rows = [
        row(uuid_of(name), draw(words), message=draw(st.sampled_from(MESSAGES)))
        for name in names
    ]
    lines = [create_of(*expenses, company=company, sync=sync, minutes=minutes)]
    if draw(st.booleans()):
        code = draw(st.sampled_from([2000, 5130]))
        lines.append(status(code, company=company, sync=sync, minutes=minutes + 1))
        lines.append(page(*rows, company=company, sync=sync, minutes=minutes + 2))
    return lines


@st.composite
def months(draw: st.DrawFn) -> list[list[bytes]]:
    """Draw what was captured of some calls of three companies, by call."""
    return [draw(_sent(number)) for number in range(draw(st.integers(1, 6)))]


def _some(values: Any) -> st.SearchStrategy[tuple[str, ...]]:
    chosen = st.lists(st.sampled_from([*values]), max_size=2, unique=True)
    return st.one_of(st.just(()), chosen.map(tuple))


CUTS: st.SearchStrategy[Filter] = st.builds(
    Filter,
    customer=_some((*COMPANIES, "company-x")),
    state=_some(("open", "matched", "break", "cleared")),
    booked=_some(BOOKED),
    cause=_some(("period_locked", "unclassified", "MISSING", "STUCK", "none")),
    owner=_some(("customer", "us", "codat", "none")),
    verdict=_some(("NEVER", "FIX_FIRST", "WAIT", "RESEND")),
    currency=_some(("GBP", "jpy", "none", "unpriced")),
    type=_some(("payment", "TRANSFER", "none")),
    age=_some(BUCKETS),
    day=_some(("2026-01-31", "2026-02-01", "none")),
    month=_some(("2026-01", "2026-02", "2025-02")),
    half_booked=_some(("yes", "no")),
    q=_some((uuid_of(3), "0000", "10.5", "shell", "uk amazon", "%", "strasse")),
)


def is_cut(cut: Filter, row: Judged, as_of: Any) -> bool:
    """Return whether a filter has an item of the report, by its words alone."""
    item, content = row.item, row.content
    kind = content.type if content else None
    currency = content.currency if content else None
    amount = content.amount if content else None
    issued = content.issue_date if content else None
    priced = amount is not None and is_priced(kind, currency)
    cause = item.cause or "none"
    wanted = [word if word == "none" else word.upper() for word in cut.currency]
    since = item.broken_since or (None if item.state == "break" else EPOCH)
    tests = {
        "customer": row.company_id in cut.customer,
        "state": item.state in cut.state,
        "booked": any(item.state in BOOKED[word] for word in cut.booked),
        "cause": cause in cut.cause or (not item.cause and item.kind in cut.cause),
        "owner": (item.owner or "none") in cut.owner,
        "verdict": item.verdict in cut.verdict,
        "currency": (currency or "none") in wanted
        or ("unpriced" in cut.currency and not priced),
        "type": (kind or "none").lower() in [t.lower() for t in cut.type],
        "age": item.state == "break" and bucket_of(since, as_of) in cut.age,
        "day": (issued or "none") in cut.day,
        "month": issued is not None and issued[:7] in cut.month,
        "half_booked": ("yes" if item.half_booked else "no") in cut.half_booked,
        "q": any(_is_found(text, row, priced=priced) for text in cut.q),
    }
    return all(holds or not getattr(cut, name) for name, holds in tests.items())


def _is_found(text: str, row: Judged, *, priced: bool) -> bool:
    content = row.content
    if row.transaction_id.startswith(text.lower()):
        return True
    if content is None:
        return False
    words = f"{content.merchant or ''}\n{content.reference or ''}".casefold()
    same = priced and text == "10.5" and content.amount in ("10.50", "10.5")
    return same or all(word in words for word in text.casefold().split())
