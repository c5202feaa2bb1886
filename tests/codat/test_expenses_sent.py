"""An expense as we sent it: exact amounts, words as they were, one digest."""

from typing import Any

import pytest

from reconcile.domain.observations import ExpectedTransaction, SyncReceipt
from tests.builders import SYNC, entry, url
from tests.codat.readers import observations_in


def sent(request: Any) -> ExpectedTransaction:
    """Return the first expense of a create call."""
    address = url("/expense-transactions")
    (seen,) = observations_in(
        entry("POST", address, request=request, answer={"syncId": SYNC})
    )
    assert isinstance(seen, SyncReceipt)
    return seen.transactions[0]


def expected(item: dict[str, Any]) -> ExpectedTransaction:
    """Return how one expense is read."""
    return sent([{"id": "t1", **item}])


def test_an_expense_is_told_as_it_was_sent() -> None:
    item = expected(
        {
            "type": "Payment",
            "issueDate": "2026-03-01T00:00:00.1234567+00:00",
            "currency": "GBP",
            "merchantName": "Café",
            "lines": [{"netAmount": 110.42, "taxAmount": 14.43}, {"netAmount": "0.15"}],
        }
    )

    assert (item.kind, item.currency, item.merchant) == ("Payment", "GBP", "Café")
    assert item.issue_date == "2026-03-01T00:00:00.1234567+00:00"
    assert item.amount == "125.00"
    assert len(item.digest) == 64


def test_the_same_item_has_one_digest_whatever_the_order_of_its_keys() -> None:
    item = expected({"type": "Payment", "currency": "GBP"})
    other = expected({"currency": "GBP", "type": "Payment"})

    assert item == other


def test_words_of_wrong_types_are_kept_as_json() -> None:
    item = expected({"type": 1, "currency": None, "merchantName": ["x"]})

    assert (item.kind, item.currency, item.merchant) == ("1", None, '["x"]')


@pytest.mark.parametrize(
    "lines",
    [
        None,
        [],
        {},
        "x",
        [5],
        [{}],
        [{"netAmount": 1}, {}],
        [{"netAmount": True}],
        [{"netAmount": "ten"}],
        [{"netAmount": "NaN"}],
        [{"netAmount": "Infinity"}],
        [{"netAmount": "sNaN"}],
        [{"netAmount": "1e9999999"}],
        [{"netAmount": "1e999999999999999999"}],
        [{"netAmount": "1" * 60}, {"netAmount": "0.1"}],
        [{"netAmount": [1]}],
    ],
)
def test_an_amount_that_is_not_exact_is_unknown(lines: Any) -> None:
    assert expected({"lines": lines}).amount is None


@pytest.mark.parametrize(
    ("lines", "amount"),
    [
        ([{"amount": 50}, {"amount": -50}], "0"),
        ([{"netAmount": 0.1}, {"netAmount": 0.2}], "0.3"),
        ([{"netAmount": "12345678901234567890123456789.01"}], None),
        ([{"netAmount": 1e16}], "10000000000000000"),
    ],
)
def test_an_amount_is_the_exact_sum_of_its_lines(
    lines: Any, amount: str | None
) -> None:
    text = "12345678901234567890123456789.01"

    assert expected({"lines": lines}).amount == (amount or text)


def test_a_transfer_without_an_amount_has_none() -> None:
    assert expected({"from": {"accountRef": {}}}).amount is None


@pytest.mark.parametrize("number", ["1e400", "1" + "0" * 5000])
def test_a_number_beyond_all_bounds_leaves_the_expense_readable(number: str) -> None:
    body = f'[{{"id":"t1","currency":"GBP","lines":[{{"netAmount":{number}}}]}}]'

    item = sent(body)

    assert (item.currency, item.amount) == ("GBP", None)


def test_what_is_said_does_not_depend_on_where_its_id_stands() -> None:
    item = expected({"id": "t", "type": "Payment"})
    updated = expected({"type": "Payment"})

    assert item.digest == updated.digest
