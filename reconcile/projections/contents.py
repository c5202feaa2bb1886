"""The rows of the live view `contents`: what an expense says, and each sending of it.

They stand apart from `items`, because they are written when something is sent, and
`items` whenever something is heard.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.vocabulary import RequestOutcome
from reconcile.errors import StoreError
from reconcile.judgement.contents import Shown, shown_content
from reconcile.judgement.facts import Content, ItemFacts, Sending, SentContent
from reconcile.judgement.item import Item
from reconcile.projections.folds import CompanyFacts
from reconcile.projections.rows import columns_of, encode


class ContentRow(NamedTuple):
    """What stands for one expense in the table `contents`; its key is as of `items`.

    `facts` holds each sending; with its content only where there are several.
    """

    company_id: str
    transaction_id: str
    type: str | None
    amount: str | None
    currency: str | None
    issue_date: str | None
    merchant: str | None
    reference: str | None
    digest: str
    differs: int
    facts: bytes

    @property
    def content(self) -> Content:
        """Return what stands for the expense, as it was chosen by all facts."""
        return Content._make(self[2:9])

    def sent(self) -> tuple[SentContent, ...]:
        """Return each sending of the expense.

        Raises:
            StoreError: the row is damaged.

        """
        try:
            found = _decode(self.facts)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreError(f"a row of the views is damaged: {error}") from error
        return tuple(
            SentContent(sending, content or self.content) for sending, content in found
        )


CONTENT_COLUMNS: Final = columns_of(ContentRow)
_Packed = tuple[tuple[Sending, Content | None], ...]
_decode: Final = msgspec.json.Decoder(_Packed).decode


def content_rows(
    company: CompanyFacts, transaction_ids: Sequence[str], items: Iterable[Item]
) -> Iterator[ContentRow]:
    """Yield the rows of those items whose sendings are held, by all facts."""
    company_id, sent_of = company.company_id, company.sent
    packed: dict[int, bytes] = {}  # all that one call sent share its sending
    for transaction_id, item in zip(transaction_ids, items, strict=True):
        sent = sent_of.get(transaction_id)
        if sent is None:
            continue
        if len(sent) == 1:
            sending, content = sent[0]
            facts = packed.get(id(sending))
            if facts is None:
                facts = packed[id(sending)] = encode([(sending, None)])
            yield ContentRow(company_id, transaction_id, *content, 0, facts)
        else:
            shown = show(company, transaction_id, item, at=END_OF_TIME)
            content, differs = shown or Shown(sent[-1].content)
            yield ContentRow(
                company_id, transaction_id, *content, int(differs), encode(sent)
            )


def show(
    company: CompanyFacts, transaction_id: str, item: Item, *, at: datetime
) -> Shown | None:
    """Return the content that stands for an item at a moment; None: none known."""
    sent = company.sent.get(transaction_id)
    if sent is None:
        return None
    if len(sent) == 1:
        return Shown(sent[0].content) if sent[0].sending.at <= at else None
    return shown_content(
        sent, written_by=item.written_by, datasets=company.datasets, at=at
    )


def sent_again(others: ItemFacts) -> bool:
    """Return whether an item may have been sent with several contents.

    An accepted request of our own and its sync, or its dataset, are one sending.
    """
    if not others.unsettled:
        return len(others.expected) > 1
    accepted = {
        u.request_id for u in others.unsettled if u.outcome is RequestOutcome.ACCEPTED
    }
    requests = {u.request_id for u in others.unsettled}
    return len(others.expected) + len(requests - accepted) > 1
