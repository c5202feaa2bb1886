"""What a person may decide on a page, and of which expenses each of it can be said."""

from collections.abc import Mapping
from typing import Final

import attrs

from reconcile.console.figures import ExpenseLine
from reconcile.domain.vocabulary import ItemState, Verdict
from reconcile.judgement.item import Item


@attrs.frozen(kw_only=True)
class Choice:
    """One kind of decision: its word in forms and in the library, and what it means.

    `wants` is the field that it needs beside a reason.
    """

    kind: str
    decision: str
    name: str
    means: str
    effect: str
    wants: str | None = None


CHOICES: Final[Mapping[str, Choice]] = {
    choice.kind: choice
    for choice in (
        Choice(
            kind="mended",
            decision="mended",
            name="Mended",
            means="The cause is gone. They may be sent again; nothing is sent yet.",
            effect="may be sent again: the next plan has them, and nothing is sent yet",
        ),
        Choice(
            kind="booked",
            decision="booked",
            name="Booked by hand",
            means="Entered by hand in the accounting software. Never sent again.",
            effect="will be resolved: booked by hand, and never sent again",
            wants="entry",
        ),
        Choice(
            kind="moved",
            decision="moved",
            name="Moved",
            means="Booked in another company. Never sent again from here.",
            effect="will be resolved: moved, and never sent again from here",
            wants="to",
        ),
        Choice(
            kind="waived",
            decision="waive",
            name="Waive",
            means="It stays out of the books, on purpose.",
            effect="will be resolved: left out of the books, on purpose",
        ),
        Choice(
            kind="reopened",
            decision="reopen",
            name="Reopen",
            means="The decision that ended it is taken back.",
            effect="will stand as they would without the decision",
        ),
        Choice(
            kind="noted",
            decision="note",
            name="Note",
            means="A remark for the story. It changes nothing.",
            effect="will have a note in their story; nothing else changes",
        ),
    )
}
"""Every kind of decision, by the word that forms have for it."""


def why_not(kind: str, item: Item) -> str | None:
    """Return why a decision cannot be taken of an expense; None: it can.

    It is a predicate, such as "is in the books".
    """
    match kind:
        case "noted":
            return None
        case "reopened":
            is_over = item.state is ItemState.RESOLVED
            return None if is_over else "is not resolved, so there is nothing to reopen"
        case "mended":
            return None if may_be_mended(item) else "is not waiting for a mend"
    if item.state in (ItemState.MATCHED, ItemState.CLEARED):
        return "is in the books"
    if item.state is ItemState.RESOLVED:
        return "is resolved already"
    if item.waits:
        return "is under way: Codat may still write it"
    return None


def may_be_mended(item: Item | ExpenseLine) -> bool:
    """Return whether an expense failed for something that a person can mend."""
    is_broken = item.state is ItemState.BREAK and item.fingerprint is not None
    return is_broken and item.verdict is Verdict.FIX_FIRST
