"""The shapes of what may be sent: a body of another one is refused before it is read.

Source: the request schemas of Codat's OpenAPI files. A field that may hold null says
so; one nobody documented is passed over, as Codat passes it over.
"""

import re
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, ValidationError, convert

Text = str | UnsetType
TextOrNull = str | UnsetType | None
Number = int | float
Lines = Meta(min_length=1, max_length=100)
Tracked = Meta(min_length=1, max_length=10)


class Ref(Struct):
    """Something of the accounting software's."""

    id: Text = UNSET


class GivenRef(Struct):
    """The same, where its id is required."""

    id: str


class InvoiceTo(Struct):
    """The customer a line is passed on to."""

    id: Text = UNSET
    type: Literal["customer"] | UnsetType = UNSET


class TrackingRef(Struct):
    """A category, or a customer, that a line is tracked by."""

    id: Text = UNSET
    dataType: Literal["trackingCategories", "customers"] | UnsetType = UNSET


class AdjustmentTrackingRef(Struct):
    """The same, of an adjustment's line."""

    id: Text = UNSET
    dataType: Literal["trackingCategories", "customers", "suppliers"] | UnsetType = (
        UNSET
    )


class ContactV1(Struct):
    """Who was paid, in v1, where nothing of it is required."""

    id: Text = UNSET
    contactType: Literal["Supplier"] | UnsetType = UNSET


class Contact(Struct):
    """Who was paid."""

    id: str
    type: Literal["Supplier"] | UnsetType = UNSET


class LineV1(Struct):
    """A line of an expense, in v1."""

    netAmount: Number
    taxAmount: Number
    accountRef: Ref
    taxRateRef: Ref | UnsetType = UNSET
    trackingRefs: Annotated[list[Ref], Tracked] | UnsetType = UNSET


class Line(Struct):
    """A line of an expense."""

    netAmount: Number
    taxAmount: Number | UnsetType = UNSET
    taxRateRef: Ref | UnsetType = UNSET
    accountRef: Ref | UnsetType = UNSET
    itemRef: Ref | UnsetType | None = UNSET
    trackingRefs: Annotated[list[TrackingRef], Tracked] | UnsetType | None = UNSET
    invoiceTo: InvoiceTo | UnsetType | None = UNSET


class ReimbursableLine(Line):
    """A line of a reimbursable expense."""

    description: Text = UNSET


class AdjustmentLine(Struct):
    """A line of an adjustment: a debit above 0, a credit below."""

    amount: Number
    accountRef: Ref
    description: Text = UNSET
    trackingRefs: Annotated[list[AdjustmentTrackingRef], Tracked] | UnsetType | None = (
        UNSET
    )
    invoiceTo: InvoiceTo | UnsetType | None = UNSET


class ExpenseV1(Struct):
    """An expense of a dataset (v1)."""

    id: str
    type: str
    issueDate: str
    currency: str
    currencyRate: Number | UnsetType | None = UNSET
    contactRef: ContactV1 | UnsetType = UNSET
    merchantName: Text = UNSET
    lines: Annotated[list[LineV1], Lines] | UnsetType = UNSET
    notes: Text = UNSET


class Expense(Struct):
    """An expense of a create call."""

    id: str
    type: str
    issueDate: str
    currency: str
    currencyRate: Number | UnsetType | None = UNSET
    contactRef: Contact | UnsetType = UNSET
    bankAccountRef: Ref | UnsetType = UNSET
    reference: TextOrNull = UNSET
    merchantName: Text = UNSET
    lines: Annotated[list[Line], Lines] | UnsetType = UNSET
    notes: Text = UNSET
    postAsDraft: bool | UnsetType | None = UNSET


class ExpenseUpdate(Struct):
    """An expense to update: of both generations, which share the URL."""

    type: str
    issueDate: str
    currency: Text = UNSET
    currencyRate: Number | UnsetType | None = UNSET
    contactRef: ContactV1 | UnsetType = UNSET
    bankAccountRef: Ref | UnsetType = UNSET
    merchantName: Text = UNSET
    lines: list[Line] | UnsetType = UNSET
    notes: Text = UNSET


class TransferEnd(Struct):
    """Where a transfer comes from, or goes to."""

    accountRef: GivenRef
    amount: Number


class Transfer(Struct, rename={"from_": "from"}):
    """A transfer, created or updated."""

    date: str
    from_: TransferEnd
    to: TransferEnd
    description: Text = UNSET


class Adjustment(Struct):
    """An adjustment of a create call."""

    id: str
    date: str
    currency: str
    lines: Annotated[list[AdjustmentLine], Lines]
    currencyRate: Number | UnsetType | None = UNSET
    reference: TextOrNull = UNSET


class ReimbursableUpdate(Struct, kw_only=True):
    """A reimbursable expense; its id stands in the URL."""

    contactRef: GivenRef
    issueDate: str
    dueDate: str
    currency: str
    reference: TextOrNull = UNSET
    apAccountRef: Ref | UnsetType | None = UNSET
    currencyRate: Number | UnsetType | None = UNSET
    notes: Text = UNSET
    lines: Annotated[list[ReimbursableLine], Lines] | UnsetType = UNSET


class Reimbursable(ReimbursableUpdate, kw_only=True):
    """A reimbursable expense of a create call."""

    id: str


class Config(Struct):
    """A company's configuration."""

    bankAccount: Ref
    supplier: Ref
    customer: Ref


class PostSync(Struct, forbid_unknown_fields=True):
    """Which datasets to sync (v1)."""

    datasetIds: Annotated[list[str], Meta(min_length=1)]


def misshaped(data: object, shape: object) -> tuple[str, str] | None:
    """Return where data is of another shape, by a .NET path, and how."""
    try:
        convert(data, shape)
    except ValidationError as error:
        text, _, place = str(error).partition(" - at `")
        return _dotted(place.rstrip("`")), f"{text}."
    return None


def _dotted(place: str) -> str:
    """Return `$[0].lines[1].netAmount` as `[0].Lines[1].NetAmount`.

    Which of several items it is msgspec does not tell (`[...]`).
    """
    return re.sub(r"(?<=\.)[a-z]", lambda m: m.group().upper(), place).lstrip("$.")
