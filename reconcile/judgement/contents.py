"""What an expense said each time it was sent, and which of it the books hold.

Rules: `docs/explanation/judgement.md`, "Money".
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from reconcile.judgement.facts import Content, DatasetFacts, SentContent


class Shown(NamedTuple):
    """The content that stands for an expense; `differs` from what was sent last."""

    content: Content
    differs: bool = False


def shown_content(
    sent: Sequence[SentContent],
    *,
    written_by: Sequence[str],
    datasets: Mapping[str, DatasetFacts],
    at: datetime,
) -> Shown | None:
    """Return the content in the books, else the content sent last; None: none known.

    `written_by` are the syncs that wrote the expense, the latest first. Content that
    came by none of them is what was sent last.
    """
    known = in_order(sent, at=at)
    if not known:
        return None
    last = known[-1]
    for sync_id in written_by:
        found = sent_in(known, sync_id, datasets)
        if found is not None:
            return Shown(found.content, differ(found.content, last.content))
    return Shown(last.content)


def in_order(sent: Iterable[SentContent], *, at: datetime) -> list[SentContent]:
    """Return what was sent by a moment, in the order in which it was."""
    return sorted([s for s in sent if s.sending.at <= at], key=_order)


def sent_in(
    known: Iterable[SentContent], attempt: str, datasets: Mapping[str, DatasetFacts]
) -> SentContent | None:
    """Return what an attempt sent, of what was sent in order; None: not known.

    `attempt` is the id of a sync, or of a request. A sync of datasets takes what each
    held when it was started.
    """
    found: SentContent | None = None
    for sent in known:
        sync_id, dataset_id, request_id, at = sent.sending
        if attempt in (sync_id, request_id):
            found = sent
        elif dataset_id is not None and dataset_id in datasets:
            begun = [
                link.at
                for link in datasets[dataset_id].syncs
                if link.sync_id == attempt
            ]
            if begun and (found is None or at <= max(begun)):
                found = sent
    return found


def differ(first: Content, second: Content) -> bool:
    """Return whether two contents differ: by digest, or where none is, in money."""
    if first.digest and second.digest:
        return first.digest != second.digest
    return (first.amount, first.currency) != (second.amount, second.currency)


def _order(sent: SentContent) -> tuple[datetime, str, str]:
    sync_id, dataset_id, request_id, at = sent.sending
    return at, sent.content.digest, sync_id or dataset_id or request_id or ""
