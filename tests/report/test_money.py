"""Money: every sum ties out, over states, causes, ages, companies and SQL."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from reconcile import Reconciler, Report, Sum, UsageError, read_lines, to_data
from reconcile.report.wire import digest
from tests.builders import at, create_of, expense_of, page, row, status, uuid_of
from tests.engines import rows_of, url_at
from tests.laws import law

LATER = at(60 * 24 * 3)
COMPANIES = ("company-a", "company-b")
DECIMALS = {"JPY": 0, "KWD": 3, "GBP": 2}
ODD: tuple[Any, ...] = ("", "free", "12,50", "NaN", "Infinity", "1e999", True, [], None)


class Sent(NamedTuple):
    """An expense of a random month; its amount is None where it is unpriced."""

    company: str
    body: dict[str, Any]
    kind: str
    currency: str | None
    amount: Decimal | None
    day: str | None
    answer: str


@st.composite
def sent(draw: st.DrawFn, number: int) -> Sent:
    kind = draw(st.sampled_from(["Payment", "Refund", "Transfer", "Reward"]))
    currency = draw(st.sampled_from([*DECIMALS, None, "??"]))
    places = DECIMALS.get(currency or "", 2)
    units = draw(st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=3))
    lines: list[Any] = [str(Decimal(unit).scaleb(-places)) for unit in units]
    amount: Decimal | None
    if kind == "Transfer":
        lines, currency = lines[:1], None
    amount = sum((Decimal(line) for line in lines), Decimal(0))
    if draw(st.integers(0, 4)) == 0:
        lines[0], amount = draw(st.sampled_from(ODD)), None
    day = draw(
        st.sampled_from(["2026-02-28", "2026-03-01", "0001-01-01", "9999-12-31", None])
    )
    body = expense_of(uuid_of(number), *lines, kind=kind, currency=currency, issued=day)
    known = currency if currency in DECIMALS else None
    if known is None and kind != "Transfer":
        amount = None
    in_time = day is not None and day.startswith("2026")
    answer = draw(st.sampled_from(["Completed", "locked", "strange", "silence"]))
    company = draw(st.sampled_from(COMPANIES))
    return Sent(company, body, kind, known, amount, day if in_time else None, answer)


@st.composite
def months(draw: st.DrawFn) -> list[Sent]:
    return [draw(sent(number)) for number in range(draw(st.integers(1, 12)))]


WORDS = {
    "Completed": ("Completed", None),
    "locked": ("PushError", "The document date cannot be before the period lock date."),
    "strange": ("PushError", "The moon is in the seventh house."),
}


def traffic(month: Sequence[Sent]) -> Iterable[bytes]:
    """Yield what was sent to each company and what came back."""
    for company in COMPANIES:
        mine = [some for some in month if some.company == company]
        if not mine:
            continue
        name = f"sync-{company}"
        bodies = [some.body for some in mine]
        yield create_of(*bodies, sync=name, company=company)
        rows = [
            row(some.body["id"], WORDS[some.answer][0], message=WORDS[some.answer][1])
            for some in mine
            if some.answer in WORDS
        ]
        yield status(5130, minutes=2, sync=name, company=company)
        yield page(*rows, minutes=3, sync=name, company=company)


def added(sums: Iterable[Sum]) -> tuple[int, int, Decimal]:
    some = [*sums]
    return (
        sum(found.items for found in some),
        sum(found.unpriced for found in some),
        sum((found.amount for found in some), Decimal(0)),
    )


def expected(some: Iterable[Sent]) -> tuple[int, int, Decimal]:
    known = [*some]
    priced = [sent.amount for sent in known if sent.amount is not None]
    return len(known), len(known) - len(priced), sum(priced, Decimal(0))


def broken(month: Iterable[Sent]) -> list[Sent]:
    return [some for some in month if some.answer != "Completed"]


def store_of(month: Sequence[Sent], url: str) -> Reconciler:
    books = Reconciler.open(url, now=lambda: LATER)
    books.ingest(read_lines(traffic(month)))
    return books


@law(examples=60, month=months())
def test_every_sum_of_a_random_month_ties_out(url: str, month: list[Sent]) -> None:
    with store_of(month, url) as books:
        report = books.report()
        replayed = books.replayed_report(as_of=LATER)

    assert digest(report) == digest(replayed)
    totals = report.totals
    assert added(totals.money.values()) == expected(month)
    for key, found in totals.money.items():
        alike = [
            some
            for some in month
            if (some.kind, some.currency) == (key.type, key.currency)
            and (some in broken(month)) == (key.state == "break")
        ]
        assert added([found]) == expected(alike)
    lost = expected(broken(month))
    assert added(totals.ageing.values()) == lost
    groups = [found for group in report.groups for found in group.money.values()]
    assert added(groups) == lost
    by_state = [found for key, found in totals.money.items() if key.state == "break"]
    assert added(by_state) == lost
    assert sum(group.items for group in report.groups) == totals.broken
    assert totals.undated == sum(some.day is None for some in month)


@law(examples=30, month=months())
def test_the_months_and_the_undated_make_the_whole(url: str, month: list[Sent]) -> None:
    with store_of(month, url) as books:
        whole = books.report()
        parts = [books.report(month=name) for name in ("2026-02", "2026-03")]

    for part, name in zip(parts, ("2026-02", "2026-03"), strict=True):
        mine = [some for some in month if (some.day or "").startswith(name)]
        assert added(part.totals.money.values()) == expected(mine)
        assert part.totals.undated == whole.totals.undated
    assert sum(p.totals.items for p in parts) == len(month) - whole.totals.undated


@law(examples=30, month=months())
def test_the_causes_in_sql_are_those_of_the_report(url: str, month: list[Sent]) -> None:
    with store_of(month, url) as books:
        wanted = {
            (company, group.cause, group.fingerprint, group.kind, currency): (
                found.items,
                found.unpriced,
                found.amount,
            )
            for company in COMPANIES
            for group in books.report(company_id=company).groups
            for currency, found in group.money.items()
        }
    rows = rows_of(
        url,
        "SELECT company_id, cause, fingerprint, kind, currency,"
        " items, unpriced, amount FROM causes",
    )

    found = {tuple(r[:5]): (r[5], r[6], Decimal(r[7] or 0)) for r in rows}
    assert found == wanted


@law(examples=20, month=months())
def test_a_companys_digest_is_the_same_alone_and_among_others(
    url: str, month: list[Sent]
) -> None:
    with store_of(month, url) as books:
        whole = books.report(as_of=LATER)
        alone = [books.report(as_of=LATER, company_id=name) for name in COMPANIES]

    assert [share for first in alone for share in first.shares] == [*whole.shares]


@pytest.mark.usefixtures("engine")
def test_an_amount_is_that_of_the_books_not_that_sent_last(tmp_path: Path) -> None:
    lines = [
        create_of(expense_of("t", "10.00"), sync="first"),
        status(2000, sync="first", minutes=1),
        page(row("t"), sync="first", minutes=2),
        create_of(expense_of("t", "12.00"), sync="second", minutes=5),
        status(2040, sync="second", minutes=6),
    ]
    report = outcomes(lines, tmp_path)

    (item,) = report.items
    assert item.content is not None
    assert (item.content.amount, item.differs) == ("10.00", True)
    assert [f.kind.value for f in report.findings] == ["CONTENT_DIFFERS"]


def outcomes(lines: Iterable[bytes], folder: Path) -> Report:
    with Reconciler.open(url_at(folder / "b.db"), now=lambda: LATER) as books:
        books.ingest(read_lines(lines))
        return books.report()


@pytest.mark.usefixtures("engine")
def test_what_costs_nothing_is_priced_and_what_has_no_amount_is_not(
    tmp_path: Path,
) -> None:
    report = outcomes([create_of(expense_of("t", "0"), expense_of("u"))], tmp_path)

    (found,) = report.totals.money.values()
    assert (found.items, found.unpriced, str(found.amount)) == (2, 1, "0")


@pytest.mark.usefixtures("engine")
def test_refunds_stand_beside_payments_and_are_never_netted(tmp_path: Path) -> None:
    sold = [expense_of("t", "10"), expense_of("u", "10", kind="Refund")]
    report = outcomes([create_of(*sold)], tmp_path)

    sums = {key.type: found.amount for key, found in report.totals.money.items()}
    assert sums == {"Payment": 10, "Refund": 10}


@pytest.mark.usefixtures("engine")
def test_breaks_grow_old_and_the_buckets_hold_each_once(tmp_path: Path) -> None:
    with Reconciler.open(url_at(tmp_path / "b.db")) as books:
        books.ingest(
            read_lines(
                [
                    create_of(expense_of("t", "10")),
                    page(row("t", "PushError"), minutes=1),
                ]
            )
        )
        buckets = [
            [key.bucket for key in books.report(as_of=when).totals.ageing]
            for when in (
                at(1),
                at(1) + timedelta(days=1) - timedelta(microseconds=1),
                at(1) + timedelta(days=1),
                at(1) + timedelta(days=7),
                at(1) + timedelta(days=30),
            )
        ]

    assert buckets == [["<1d"], ["<1d"], ["1-7d"], ["7-30d"], [">30d"]]


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "March", "0001-01", ""])
def test_a_month_that_is_none_is_refused(month: str, tmp_path: Path) -> None:
    with (
        Reconciler.open(url_at(tmp_path / "b.db")) as books,
        pytest.raises(UsageError, match="is not a month, expected one such as 2026-02"),
    ):
        books.report(month=month)


@pytest.mark.usefixtures("engine")
def test_a_report_of_some_says_which_and_counts_them_alone(tmp_path: Path) -> None:
    lines = [
        create_of(expense_of("t", "10"), expense_of("u", "20"), expense_of("v", "40")),
        page(
            row("t"),
            row("u", "PushError", message=WORDS["locked"][1]),
            row("v", "PushError", message=WORDS["strange"][1]),
            minutes=1,
        ),
        status(5130, minutes=2),
        page(
            row("t"),
            row("u", "PushError", message=WORDS["locked"][1]),
            row("v", "PushError", message=WORDS["strange"][1]),
            minutes=3,
        ),
    ]
    with Reconciler.open(url_at(tmp_path / "b.db"), now=lambda: LATER) as books:
        books.ingest(read_lines(lines))
        whole = to_data(books.report())
        (first,) = [c for c in whole["causes"] if c["cause"] == "period_locked"]
        (other,) = [c for c in whole["causes"] if c is not first]
        by_print = to_data(books.report(cause=first["fingerprint"]))
        by_name = to_data(books.report(cause=other["cause"]))
        by_state = to_data(books.report(state="matched"))

    def chosen(data: dict[str, Any]) -> tuple[list[str], list[str]]:
        names = [item["transaction_id"] for item in data["items"]]
        return names, [found["amount"] for found in data["totals"]["money"]]

    assert chosen(by_print) == (["u"], ["20"])
    assert chosen(by_name) == (["v"], ["40"])
    assert chosen(by_state) == (["t"], ["10"])
    assert by_print["only"] == {"cause": first["fingerprint"], "state": None}
    assert len({d["digest"] for d in (whole, by_print, by_name, by_state)}) == 4
    assert Counter(s["sync_id"] for s in by_state["syncs"]).total() == 1
