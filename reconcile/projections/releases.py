"""Release the items of a company that may be sent again although they failed.

An item's own facts release it where it was changed since. Its neighbours' do where one
of them failed in the same way, and was written afterwards: the live tables, which hold
what an item's own facts say, leave that to the report.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Final

from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.vocabulary import Owner, Verdict
from reconcile.judgement.contents import in_order
from reconcile.judgement.facts import SentContent
from reconcile.judgement.item import Item
from reconcile.judgement.releases import (
    Mends,
    Proof,
    Proofs,
    latest_mends,
    latest_proofs,
    proves,
    release_of,
)
from reconcile.judgement.sync_context import SyncContext
from reconcile.judgement.verdict import word
from reconcile.projections.contents import sent_again
from reconcile.projections.folds import NO_FACTS, CompanyFacts
from reconcile.projections.judging import Judge

SentOf = Callable[[str], tuple[SentContent, ...]]
Corrected = Mapping[str, SentContent]
"""What is to be sent of some expenses in place of what was."""
_AS_SENT: Final[Corrected] = MappingProxyType({})


def released(
    company: CompanyFacts,
    contexts: Mapping[str, SyncContext],
    transactions: Sequence[str],
    items: Sequence[Item],
    *,
    judge: Judge,
    sent_of: SentOf,
    at: datetime,
    corrected: Corrected = _AS_SENT,
) -> Sequence[Item]:
    """Return all of a company's items, those that anything releases by a moment."""
    return _released(
        company,
        contexts,
        transactions,
        items,
        judge=judge,
        sent_of=sent_of,
        at=at,
        proofs=proofs_in(company, transactions, items, sent_of=sent_of, at=at),
        mends=latest_mends(company.mended, at=at),
        corrected=corrected,
    )


def proofs_in(
    company: CompanyFacts,
    transactions: Sequence[str],
    items: Sequence[Item],
    *,
    sent_of: SentOf,
    at: datetime,
) -> Proofs:
    """Return the latest proof of each fingerprint of a company by a moment."""
    return latest_proofs(_proofs(company, transactions, items, sent_of, at))


def released_by_own(
    company: CompanyFacts,
    contexts: Mapping[str, SyncContext],
    transactions: Sequence[str],
    items: Sequence[Item],
    *,
    judge: Judge,
) -> Sequence[Item]:
    """Return some items by all facts, those released that were changed since."""
    return _released(
        company,
        contexts,
        transactions,
        items,
        judge=judge,
        sent_of=lambda name: company.sent.get(name, ()),
        at=END_OF_TIME,
        proofs={},
        mends={},
    )


def may_be_released(item: Item) -> bool:
    """Return whether an item failed for what somebody has to mend."""
    return item.verdict is Verdict.FIX_FIRST and item.failed_in is not None


def _proofs(
    company: CompanyFacts,
    transactions: Sequence[str],
    items: Sequence[Item],
    sent_of: SentOf,
    at: datetime,
) -> Iterator[tuple[str, Proof]]:
    for name, item in zip(transactions, items, strict=True):
        if item.mended:
            sent = _sent(company, name, sent_of, at)
            for mended in item.mended:
                if proves(mended, sent=sent, datasets=company.datasets):
                    yield mended.fingerprint, Proof(mended.tried_at, name)


def _released(
    company: CompanyFacts,
    contexts: Mapping[str, SyncContext],
    transactions: Sequence[str],
    items: Sequence[Item],
    *,
    judge: Judge,
    sent_of: SentOf,
    at: datetime,
    proofs: Proofs,
    mends: Mends,
    corrected: Corrected = _AS_SENT,
) -> Sequence[Item]:
    """Return the items, those that something releases worded anew."""
    anew: dict[int, Item] = {}
    worded: dict[int, Item] = {}  # by what neighbours alone say, as items are shared
    for place, item in enumerate(items):
        if not may_be_released(item):
            continue
        name = transactions[place]
        sent = _sent(company, name, sent_of, at) if item.owner is Owner.US else []
        if name in corrected:
            sent = [*in_order(sent_of(name), at=at), corrected[name]]
        if not sent:
            if item.fingerprint not in proofs and item.fingerprint not in mends:
                continue
            if id(item) in worded:
                anew[place] = worded[id(item)]
                continue
        release = partial(
            release_of,
            sent=sent,
            proofs=proofs,
            mends=mends,
            datasets=company.datasets,
        )
        wording = judge.wording(item)
        if wording is None:
            outline = judge.outline(company.dossier(name, contexts))
            found = word(outline, judge.rules, release)
        else:
            wording = wording.released(judge.rules, release)
            found = wording.item(item.legs, item.broken_since)
        anew[place] = found
        if not sent:
            worded[id(item)] = found
    if not anew:
        return items
    return [anew.get(place, item) for place, item in enumerate(items)]


def _sent(
    company: CompanyFacts, transaction_id: str, sent_of: SentOf, at: datetime
) -> list[SentContent]:
    """Return what was sent of an item in order, where it may have been changed."""
    if not sent_again(company.others.get(transaction_id, NO_FACTS)):
        return []
    return in_order(sent_of(transaction_id), at=at)
