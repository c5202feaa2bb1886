"""The words of the house: Codat's words classed, and our own words for judgement.

Source: Codat docs, "Sync status" table and Transaction schemas, read 2026-11-22.
"""

import enum
from typing import Final


class ItemState(enum.StrEnum):
    """What we say of an expense."""

    OPEN = "open"
    MATCHED = "matched"
    BREAK = "break"
    CLEARED = "cleared"
    RESOLVED = "resolved"


class DecisionKind(enum.StrEnum):
    """What a person may decide of one expense."""

    BOOKED = "booked"  # by hand, in the accounting software
    MOVED = "moved"  # to another company
    WAIVED = "waived"
    REOPENED = "reopened"
    NOTED = "noted"


class BreakKind(enum.StrEnum):
    """Why an item is a break."""

    FAILED = "FAILED"
    MISSING = "MISSING"
    UNEXPECTED = "UNEXPECTED"
    CONFLICTING = "CONFLICTING"
    REGRESSED = "REGRESSED"
    UPDATE_FAILED = "UPDATE_FAILED"
    STUCK = "STUCK"
    INDETERMINATE = "INDETERMINATE"
    UNRECOGNISED = "UNRECOGNISED"


class Verdict(enum.StrEnum):
    """Whether an expense may be sent again."""

    NEVER = "NEVER"
    FIX_FIRST = "FIX_FIRST"
    WAIT = "WAIT"
    RESEND = "RESEND"


class Owner(enum.StrEnum):
    """Whose move it is."""

    CUSTOMER = "customer"
    US = "us"
    CODAT = "codat"
    ACCOUNTING_SOFTWARE = "accounting_software"
    NOBODY = "nobody"


class Action(enum.StrEnum):
    """The next step for an expense."""

    NONE = "none"
    READ_AGAIN = "read_again"
    RESEND = "resend"
    RESEND_WITHOUT = "resend_without"
    START_SYNC = "start_sync"
    UPDATE_AGAIN = "update_again"
    RESEND_CHANGED = "resend_changed"
    MEND_OURS = "mend_ours"
    ASK_CUSTOMER = "ask_customer"
    ASK_CODAT = "ask_codat"
    LOOK_IN_BOOKS = "look_in_books"
    RECOVER_OR_ABANDON = "recover_or_abandon"


class WordClass(enum.IntEnum):
    """The class of a transaction's word; a higher one is worse and is displayed."""

    UNDECIDED = 0
    WRITTEN = 1
    FAILED = 2
    UNRECOGNISED = 3


_WORDS: Final = {
    "Completed": WordClass.WRITTEN,
    "PushError": WordClass.FAILED,
    "ValidationError": WordClass.FAILED,
    "Failed": WordClass.FAILED,
    "Pending": WordClass.UNDECIDED,
    "Unknown": WordClass.UNDECIDED,
}


UNDECIDED_WORDS: Final = tuple(
    word for word, of in _WORDS.items() if of is WordClass.UNDECIDED
)


def word_class(word: str) -> WordClass:
    """Return the class of a transaction's status word, as Codat spells it."""
    return _WORDS.get(word, WordClass.UNRECOGNISED)


def integration_type(name: str | None) -> str:
    """Return the leg's integration type; Codat's documents use three for one.

    Source: the page's samples say `expense`, the schema `expenses` and, as its
    default, nothing.
    """
    return "expense" if name is None or name == "expenses" else name


class CodeClass(enum.StrEnum):
    """The class of a sync's status code."""

    IN_PROGRESS = "in_progress"
    ENDED_WELL = "ended_well"
    FAILED = "failed"
    UNRECOGNISED = "unrecognised"


NO_DATA: Final = 2040
SUCCESS: Final = 2000
NOTHING_WRITTEN: Final = frozenset({4000, 4040, 4220, 4260, 5000})
_CODES: Final = (
    dict.fromkeys((1000, 1010), CodeClass.IN_PROGRESS)
    | dict.fromkeys((SUCCESS, NO_DATA), CodeClass.ENDED_WELL)
    | dict.fromkeys((*NOTHING_WRITTEN, 5080, 5120, 5130), CodeClass.FAILED)
)


def code_class(code: int | str) -> CodeClass:
    """Return the class of a sync's status code; text is a code we could not read."""
    if isinstance(code, str):
        return CodeClass.UNRECOGNISED
    return _CODES.get(code, CodeClass.UNRECOGNISED)


class NoticeKind(enum.StrEnum):
    """What a webhook says of a sync.

    `SUCCESSFUL` is proof that no item failed or was warned of; `COMPLETED` is not:
    the rules service came to send it on any completion (Codat docs, 2024-01-11).
    """

    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    SUCCESSFUL = "successful"
    UNSUCCESSFUL = "unsuccessful"
    UNRECOGNISED = "unrecognised"


NOTICE_CLASS: Final = {
    NoticeKind.STARTED: CodeClass.IN_PROGRESS,
    NoticeKind.COMPLETED: CodeClass.ENDED_WELL,
    NoticeKind.SUCCESSFUL: CodeClass.ENDED_WELL,
    NoticeKind.FAILED: CodeClass.FAILED,
    NoticeKind.UNSUCCESSFUL: CodeClass.FAILED,
    NoticeKind.UNRECOGNISED: CodeClass.UNRECOGNISED,
}


class RequestOutcome(enum.StrEnum):
    """What is known to have become of one of our requests."""

    ASKED = "asked"  # our intent, before any answer
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOST = "lost"  # it may have been carried out
    THROTTLED = "throttled"  # turned away by the rate limit: not carried out
    UNSENT = "unsent"  # it never reached Codat
    ABANDONED = "abandoned"  # a person decided that nothing came of it


OF_ONE_TRY: Final = (401, 402, 403, 409)
"""Refusals that speak of one try alone: of a key, a plan, a call still under way."""


OF_NO_ANSWER: Final = (408, 444, 460, 499)
"""Answers of no server: it, or what stands before it, gave up waiting for an end."""


class FindingKind(enum.StrEnum):
    """What a report tells beside its items."""

    SOURCES_DISAGREE = "SOURCES_DISAGREE"
    IDENTITY_MISMATCH = "IDENTITY_MISMATCH"
    SAME_ID_OTHER_BODY = "SAME_ID_OTHER_BODY"
    LISTING_DRIFT = "LISTING_DRIFT"
    ROW_VANISHED = "ROW_VANISHED"
    UNREADABLE = "UNREADABLE"
    UNRECOGNISED = "UNRECOGNISED"
    UPDATE_UNSETTLED = "UPDATE_UNSETTLED"
    CONTENT_DIFFERS = "CONTENT_DIFFERS"
    WRITTEN_TWICE = "WRITTEN_TWICE"
    ELSEWHERE = "ELSEWHERE"
    COMPANY_GONE = "COMPANY_GONE"
    GIVEN_UP = "GIVEN_UP"
