"""What a write of ours sent, read back to be sent again. Pure.

A number keeps all its digits: what is sent again is what was sent before.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from reconcile.codat import requests
from reconcile.codat.requests import Request
from reconcile.codat.routes import route_of
from reconcile.codat.writes import named_by
from reconcile.errors import PayloadError, UsageError

EXPENSES: Final = "expense-transactions"
_NOUNS: Final = (
    "reimbursable-expense-transactions",
    "reimburseable-expense-transactions",
    "adjustment-transactions",
    "transfer-transactions",
    EXPENSES,
)
_CREATES: Final[Mapping[str, Callable[[str, Sequence[object]], Request]]] = {
    EXPENSES: requests.create_expenses,
    "adjustment-transactions": requests.create_adjustments,
    "reimbursable-expense-transactions": requests.create_reimbursables,
}
_UPDATES: Final[Mapping[str, Callable[[str, str, object], Request]]] = {
    EXPENSES: requests.update_expense,
    "reimbursable-expense-transactions": requests.update_reimbursable,
}


def noun_of(method: str, url: str) -> str | None:
    """Return what a write is of, as its path names it; None where it is none we know.

    Source: Codat's OpenAPI files for Sync for Expenses, v1 and current.
    """
    route = route_of(method, url)
    if route is None:
        return None
    target = route.target.lower()
    noun = next((noun for noun in _NOUNS if f"/{noun}" in target), None)
    return noun.replace("reimburseable", "reimbursable") if noun else None


def sent_again(
    operation: str, noun: str, company_id: str, expenses: Sequence[tuple[str, object]]
) -> Request:
    """Return the request that sends expenses, which come with their ids.

    `operation` is "create", "push", "update" or "put"; the last two take one expense.

    Raises:
        UsageError: there is no such request.

    """
    items = [item for _, item in expenses]
    if operation == "push":
        return requests.push_dataset(company_id, items)
    if operation == "create" and noun in _CREATES:
        return _CREATES[noun](company_id, items)
    if len(expenses) == 1:
        ((transaction_id, item),) = expenses
        if operation == "put":
            return requests.put_transfer(company_id, transaction_id, item)
        if operation == "update" and noun in _UPDATES:
            return _UPDATES[noun](company_id, transaction_id, item)
    raise UsageError(f"no call of Codat's does {operation} of {noun}")


def expenses_in(method: str, url: str, body: bytes) -> dict[str, tuple[object, str]]:
    """Return the expenses that a write sent by their ids, each with its digest.

    Raises:
        PayloadError: the request cannot be read.

    """
    try:
        _, _, named = named_by(method, url, body)
        data = exact_json(body)
    except (UsageError, ValueError, RecursionError, ArithmeticError) as error:
        raise PayloadError(f"the request cannot be read: {error}") from error
    items = _items(data)
    if len(items) != len(named):
        raise PayloadError("the request cannot be read: an expense of it has no id")
    return {
        expected.transaction_id: (item, expected.digest)
        for expected, item in zip(named, items, strict=True)
    }


def digest_of_expense(expense: object) -> str:
    """Return the digest of what an expense says, as events hold it; "" for none.

    It is of what Codat would read: a decimal counts as JSON writes it.
    """
    request = requests.put_transfer("company", "expense", expense)
    _, _, (named,) = named_by("PUT", request.path, request.body)
    return named.digest


def _items(data: Any) -> list[Any]:
    if isinstance(data, dict):
        items = data.get("items", [data])
        return items if isinstance(items, list) else []
    return data if isinstance(data, list) else []


def exact_json(body: bytes) -> Any:
    """Return JSON as plain data whose numbers keep all their digits."""
    return json.loads(body, parse_float=Decimal, parse_int=_whole)


def _whole(digits: str) -> int | Decimal:
    """Return a whole number; JSON's writer takes no longer one than 64 bits hold."""
    return int(digits) if len(digits) <= _INT_DIGITS_MAX else Decimal(digits)


_INT_DIGITS_MAX: Final = 18
