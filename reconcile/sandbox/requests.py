"""What the write calls of both dialects must hold; refused with the fields at fault."""

from typing import Any

from reconcile.sandbox import shapes
from reconcile.sandbox.messages import Call
from reconcile.sandbox.refusals import RefusedError, invalid
from reconcile.sandbox.world import Kind, Transaction

ITEMS_MAX = 50
AMOUNT_MAX = 5_000_000
_TYPES_V1 = {
    "Payment",
    "Refund",
    "Reward",
    "Chargeback",
    "TransferIn",
    "TransferOut",
    "AdjustmentIn",
    "AdjustmentOut",
}
_TYPES = {"Payment", "Refund", "Reward", "Chargeback"}
_REQUIRED: dict[Kind, tuple[str, ...]] = {
    "expense": ("type", "issueDate", "currency"),
    "transfer": ("date", "from", "to"),
    "adjustment": ("date", "currency"),
    "reimbursable": ("contactRef", "issueDate", "currency"),
}


_CREATED: dict[Kind, Any] = {
    "expense": list[shapes.Expense],
    "adjustment": list[shapes.Adjustment],
    "reimbursable": list[shapes.Reimbursable],
}
_UPDATED: dict[Kind, Any] = {
    "expense": shapes.ExpenseUpdate,
    "transfer": shapes.Transfer,
    "reimbursable": shapes.ReimbursableUpdate,
}


def refuse_misshaped(data: object, shape: object) -> None:
    """Refuse data of another shape than is documented."""
    found = shapes.misshaped(data, shape)
    if found is not None:
        raise invalid(found)


def items_of(call: Call, *, wrapped: bool) -> list[dict[str, Any]]:
    """Return the 1 to 50 items of a create call: in `items` (v1), or a bare array."""
    data = call.json()
    if wrapped:
        data = data.get("items") if isinstance(data, dict) else None
    name = "items" if wrapped else "body"
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise invalid((name, "An array of transactions is required."))
    if not 1 <= len(data) <= ITEMS_MAX:
        raise invalid((name, f"Between 1 and {ITEMS_MAX} transactions are allowed."))
    return data


def created(call: Call, kind: Kind, *, v1: bool) -> tuple[Transaction, ...]:
    """Return the transactions of a create call."""
    items = items_of(call, wrapped=v1)
    problems = [
        problem
        for number, item in enumerate(items)
        for problem in _problems(item, kind, place=f"Items[{number}].", v1=v1)
    ]
    problems += [
        (f"Items[{number}].Id", "An id is required.")
        for number, item in enumerate(items)
        if not isinstance(item.get("id"), str) or not item["id"].strip()
    ]
    if problems:
        raise invalid(*problems)
    refuse_misshaped(items, list[shapes.ExpenseV1] if v1 else _CREATED[kind])
    ids = [str(item["id"]) for item in items]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise invalid(("Items", f"The id {twice[0]} is given twice."))
    return tuple(
        Transaction(transaction_id=name, kind=kind, given=item)
        for name, item in zip(ids, items, strict=True)
    )


def updated(
    call: Call, kind: Kind, transaction_id: str, *, creates: bool = False
) -> Transaction:
    """Return the transaction of a PUT; its id stands in the URL."""
    item = call.json()
    if not isinstance(item, dict):
        raise invalid(("body", "A transaction is required."))
    problems = _problems(item, kind, place="", v1=False, update=True)
    if problems:
        raise invalid(*problems)
    refuse_misshaped(item, _UPDATED[kind])
    return Transaction(
        transaction_id=transaction_id, kind=kind, given=item, update=not creates
    )


def _problems(
    item: dict[str, Any], kind: Kind, *, place: str, v1: bool, update: bool = False
) -> list[tuple[str, str]]:
    required = _REQUIRED[kind]
    if update and kind == "expense":
        required = ("type", "issueDate")  # of both dialects, the lesser
    found = [
        (f"{place}{name[:1].upper()}{name[1:]}", f"{name} is required.")
        for name in required
        if item.get(name) in (None, "", {})
    ]
    given = item.get("type")
    if kind == "expense" and isinstance(given, str):
        _refuse_moved_types(given, v1=v1)
        if given not in (_TYPES_V1 if v1 else _TYPES):
            found.append((f"{place}Type", f"{given} is not a type of transaction."))
    lines = item.get("lines")
    if lines is not None and not (
        isinstance(lines, list) and all(isinstance(line, dict) for line in lines)
    ):
        return [*found, (f"{place}Lines", "Lines are an array of objects.")]
    for number, line in enumerate(lines or ()):
        found += _line_problems(line, kind, f"{place}Lines[{number}].", v1=v1)
    return found


def _line_problems(
    line: dict[str, Any], kind: Kind, place: str, *, v1: bool
) -> list[tuple[str, str]]:
    """Source: the first dataset validation example of Codat's OpenAPI files."""
    if kind == "adjustment":
        return []
    names = ("netAmount", "taxAmount") if v1 else ("netAmount",)
    found = []
    for name in ("netAmount", "taxAmount"):
        amount = line.get(name)
        field = f"{name[:1].upper()}{name[1:]}"
        if amount is None:
            if name in names:
                found.append((f"{place}{field}", f"{field} is required."))
        elif isinstance(amount, bool) or not isinstance(amount, int | float):
            found.append((f"{place}{field}", f"{field} must be a number."))
        elif not 0 <= amount <= AMOUNT_MAX:
            text = f"{field} must be between 0 and {AMOUNT_MAX}."
            found.append((f"{place}{field}", text))
    return found


def _refuse_moved_types(given: str, *, v1: bool) -> None:
    """Refuse the types that moved to endpoints of their own in 2024.

    Source: Codat's blog, 2024-03-14 and 2024-06-07; the second names the first's
    endpoint, sic.
    """
    if not v1 and given in _TYPES_V1 - _TYPES:
        moved = "Transfer" if given.startswith("Transfer") else "Adjustment"
        raise RefusedError(
            400,
            f"{moved} In/Out transaction type is no longer supported. Please use the"
            " 'Create transfer transactions' endpoint.",
        )
