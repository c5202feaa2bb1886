"""What our words are in plain English, as a person in finance reads them.

The report's page and the console say the same thing with the same words.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    DecisionKind,
    FindingKind,
    ItemState,
    Owner,
    Verdict,
)


class Word(NamedTuple):
    """A word as a page shows it, and what it means in one short clause."""

    name: str
    means: str


STATES: Final[Mapping[ItemState, Word]] = {
    ItemState.MATCHED: Word("Matched", "in the books at once"),
    ItemState.CLEARED: Word("Cleared", "in the books after a mend"),
    ItemState.OPEN: Word("Open", "being decided, no action yet"),
    ItemState.BREAK: Word("Break", "someone has to act"),
    ItemState.RESOLVED: Word("Resolved", "ended by a person"),
}
"""The states in the order in which every page shows them."""

OWNERS: Final[Mapping[Owner, Word]] = {
    Owner.US: Word("Us", "we have to act"),
    Owner.CUSTOMER: Word("Customer", "the customer, or their accountant, has to act"),
    Owner.CODAT: Word("Codat", "Codat has to act"),
    Owner.ACCOUNTING_SOFTWARE: Word(
        "Accounting software", "its maker has to mend something"
    ),
    Owner.NOBODY: Word("Nobody", "it clears by itself"),
}

BREAKS: Final[Mapping[BreakKind, Word]] = {
    BreakKind.FAILED: Word("Failed", "the write was refused or went wrong"),
    BreakKind.MISSING: Word("Missing", "its sync ended without it"),
    BreakKind.UNEXPECTED: Word(
        "Unexpected", "a sync reported it, and nothing of ours sent it"
    ),
    BreakKind.CONFLICTING: Word("Conflicting", "Codat's answers contradict each other"),
    BreakKind.REGRESSED: Word(
        "Regressed", "it was reported written, and failed afterwards"
    ),
    BreakKind.UPDATE_FAILED: Word("Update failed", "the books hold old values"),
    BreakKind.STUCK: Word("Stuck", "nothing has decided it in time"),
    BreakKind.INDETERMINATE: Word("In doubt", "the answer to our request was lost"),
    BreakKind.UNRECOGNISED: Word(
        "Not recognised", "Codat used a word that nobody has classed"
    ),
}

VERDICTS: Final[Mapping[Verdict, Word]] = {
    Verdict.NEVER: Word("Never", "must not be sent again"),
    Verdict.FIX_FIRST: Word("Fix first", "something has to be mended before it goes"),
    Verdict.WAIT: Word("Wait", "time decides it"),
    Verdict.RESEND: Word("Send again", "it may go as it is"),
}

FINDINGS: Final[Mapping[FindingKind, Word]] = {
    FindingKind.SOURCES_DISAGREE: Word("Sources disagree", "two answers differ"),
    FindingKind.IDENTITY_MISMATCH: Word(
        "Identity mismatch", "an answer names another company or sync than was asked"
    ),
    FindingKind.SAME_ID_OTHER_BODY: Word(
        "Same id, other body", "one id came with two contents"
    ),
    FindingKind.LISTING_DRIFT: Word(
        "Listing changed", "a list changed while its pages were read"
    ),
    FindingKind.ROW_VANISHED: Word(
        "Row vanished", "an expense is gone from a list that had it"
    ),
    FindingKind.UNREADABLE: Word("Unreadable", "part of an answer cannot be read"),
    FindingKind.UNRECOGNISED: Word(
        "Not recognised", "Codat used a word that nobody has classed"
    ),
    FindingKind.UPDATE_UNSETTLED: Word(
        "Update not settled", "whether an update is in the books is not known"
    ),
    FindingKind.CONTENT_DIFFERS: Word(
        "Content differs", "the books hold another content than was sent last"
    ),
    FindingKind.WRITTEN_TWICE: Word(
        "Written twice", "there may be a second entry in the books"
    ),
    FindingKind.ELSEWHERE: Word(
        "In other books", "the same expense is in another company's books"
    ),
    FindingKind.COMPANY_GONE: Word("Company gone", "Codat does not know the company"),
    FindingKind.GIVEN_UP: Word("Given up", "reading it was given up"),
}

DECISIONS: Final[Mapping[DecisionKind, Word]] = {
    DecisionKind.BOOKED: Word(
        "Booked by hand", "a person entered it in the accounting software"
    ),
    DecisionKind.MOVED: Word("Moved", "it belongs to another company"),
    DecisionKind.WAIVED: Word("Waived", "it is not to be booked"),
    DecisionKind.REOPENED: Word("Reopened", "the decision was taken back"),
    DecisionKind.NOTED: Word("Noted", "a remark that decides nothing"),
}

AGES: Final[Mapping[str, str]] = {
    "<1d": "Under 1 day",
    "1-7d": "1 to 7 days",
    "7-30d": "7 to 30 days",
    ">30d": "Over 30 days",
}
"""The names of the report's age buckets, the youngest first."""

_TYPES: Final = {
    "Payment": "Payments",
    "Refund": "Refunds",
    "Reward": "Rewards",
    "Chargeback": "Chargebacks",
    "Transfer": "Transfers",
    "TransferIn": "Transfers in",
    "TransferOut": "Transfers out",
    "AdjustmentIn": "Adjustments in",
    "AdjustmentOut": "Adjustments out",
    "Reimbursement": "Reimbursements",
}

_STEPS: Final[Mapping[Action, str]] = {
    Action.NONE: "Nothing to do",
    Action.READ_AGAIN: "Read its sync again",
    Action.RESEND: "Send it again",
    Action.RESEND_WITHOUT: "Send it again without the others",
    Action.START_SYNC: "Start the sync",
    Action.UPDATE_AGAIN: "Send the update again",
    Action.RESEND_CHANGED: "Correct it, send again",
    Action.MEND_OURS: "Mend our setup",
    Action.ASK_CUSTOMER: "Ask the customer",
    Action.ASK_CODAT: "Ask Codat",
    Action.LOOK_IN_BOOKS: "Look in the books first",
    Action.RECOVER_OR_ABANDON: "Recover the request, or abandon it",
}

# Of causes that our own rules know; those of a host's rules have their action's words.
_STEPS_OF_CAUSES: Final[Mapping[str, str]] = {
    "account_archived": "Restore the account or map another",
    "account_missing": "Name an account, send again",
    "account_unusable": "Map another account, send again",
    "bank_feed_already_connected": "Ask them to free the bank feed",
    "connection_ended": "Ask them to connect again",
    "currency_differs": "Correct the currency, send again",
    "currency_off": "Ask them to switch the currency on",
    "customer_missing": "Name the customer, send again",
    "insufficient_funds": "Ask them to fund the account",
    "name_taken": "Ask them to free the name",
    "no_connection": "Ask them to connect their books",
    "period_closed": "Ask them to open the period",
    "period_locked": "Ask them to open the period",
    "receipt_too_large": "Make the receipt smaller",
    "role_missing": "Ask them to give the permission",
    "subledger_closed": "Ask them to open the ledger",
    "subscription_lapsed": "Ask them to renew the software",
    "supplier_inactive": "Ask them to switch the supplier on",
    "supplier_missing": "Ask them to add the supplier",
    "tax_rate_misfit": "Change the tax mapping, send again",
    "tax_rate_missing": "Map a tax rate, send again",
    "tracking_required": "Map the category, send again",
}


def step(action: Action, cause: str | None = None) -> str:
    """Return the next step in a few words; a known cause says it more closely."""
    closer = _STEPS_OF_CAUSES.get(cause or "")
    return closer if closer and action in _OF_THE_CAUSE else _STEPS[action]


# Where an expense was released, or waits, the cause no longer says what comes next.
_OF_THE_CAUSE: Final = (Action.ASK_CUSTOMER, Action.RESEND_CHANGED, Action.MEND_OURS)


def types(kind: str | None) -> str:
    """Return expenses of a type in the plural; Codat's own word where it is new."""
    if kind is None:
        return "No type"
    return _TYPES.get(kind, kind)


def type_of(number: int, kind: str | None) -> str:
    """Return what so many expenses of a type are called inside a sentence."""
    if kind is None:
        return "expense without a type" if number == 1 else "expenses without a type"
    known = _TYPES.get(kind)
    if known is None:
        return kind
    plural = known[0].lower() + known[1:]
    return _SINGULAR.get(plural, plural.removesuffix("s")) if number == 1 else plural


_SINGULAR: Final = {
    "transfers in": "transfer in",
    "transfers out": "transfer out",
    "adjustments in": "adjustment in",
    "adjustments out": "adjustment out",
}
