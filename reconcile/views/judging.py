"""Judge a company's items: one judgement for all that share their facts.

Two items of one sync whose legs said the same at the same time are judged alike, so the
work is done once for each distinct set of facts. Only a duplicate claim looks at the
item's own id; such items are judged one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from reconcile.domain.attempt import claims_processed
from reconcile.domain.context import SyncContext
from reconcile.domain.dossier import Dossier, ItemFacts, LegReport
from reconcile.domain.item import Item
from reconcile.views.folds import Company

Judge = Callable[[Dossier], Item]
_Key = tuple[tuple[LegReport, ...], ItemFacts | None]


def judged(
    company: Company,
    contexts: Mapping[str, SyncContext],
    transactions: Iterable[str],
    *,
    judge: Judge,
) -> Iterator[tuple[str, Item]]:
    """Yield each transaction with its item."""
    known: dict[_Key, Item] = {}
    claims = any(
        claims_processed(said)
        for context in contexts.values()
        for code in context.codes
        for said in code.words
    ) or any(
        claims_processed(write.words)
        for dataset in company.datasets.values()
        for write in dataset.unsettled
    )
    legs_of, others_of = company.legs, company.others
    for transaction_id in transactions:
        key = (legs_of.get(transaction_id, ()), others_of.get(transaction_id))
        item = known.get(key)
        if item is None:
            dossier = company.dossier(transaction_id, contexts)
            item = judge(dossier)
            if not claims and not _speaks_of_duplicates(dossier.facts):
                known[key] = item
        yield transaction_id, item


def _speaks_of_duplicates(facts: ItemFacts) -> bool:
    return (
        any(claims_processed(leg.message) for leg in facts.legs)
        or any(claims_processed(hook.message) for hook in facts.hooks)
        or any(claims_processed(write.words) for write in facts.unsettled)
    )
