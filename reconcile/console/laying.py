"""How a company's share of the report is laid out as the rows of a worksheet."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

import attrs
import msgspec

from reconcile.console.tallying import Tallies
from reconcile.domain.vocabulary import ItemState
from reconcile.judgement.facts import Content
from reconcile.judgement.item import Item
from reconcile.report.build import Share
from reconcile.report.groups import Judged
from reconcile.report.money import is_priced
from reconcile.storage.evidence import micros
from reconcile.storage.worksheet.amounts import NOTHING, split
from reconcile.storage.worksheet.rows import CompanyLine, FindingLine, SyncLine
from reconcile.storage.worksheet.write import SheetCompany, SheetRest

TEXT_MAX: Final = 1_000
"""So much of a text does a worksheet have; the rest is in the expense's story."""

WORDS_MAX: Final = 200
"""So much of merchant and reference is put in order, and looked through."""

_NO_SIZE: Final = -1.7e308
_NO_AGE: Final = -(2**62)
_encode: Final = msgspec.json.Encoder(order="sorted", enc_hook=str).encode


@attrs.frozen(kw_only=True)
class CompanyStand:
    """A company's share at a moment, and when the clock alone may change it next."""

    share: Share
    position: int
    as_of: datetime
    turns_at: datetime | None
    beside: str = ""


def laid_out(standing: CompanyStand) -> SheetCompany:
    """Return a company's rows; its share must have its digest."""
    share = standing.share
    laying = _Laying(share.company_id)

    def rest() -> SheetRest:
        return SheetRest(
            tallies=laying.tallies.rows(),
            syncs=[
                SyncLine._make(map(_bounded, attrs.astuple(sync)))
                for sync in share.syncs
            ],
            findings=[
                FindingLine(
                    share.company_id,
                    place,
                    finding.kind.value,
                    finding.company_id,
                    finding.sync_id,
                    finding.transaction_id,
                    text_of(finding.reason) or "",
                )
                for place, finding in enumerate(share.findings)
            ],
            company=CompanyLine(
                company_id=share.company_id,
                position=standing.position,
                judged_at=micros(standing.as_of),
                turns_at=_micros(standing.turns_at),
                beside=standing.beside,
                share_digest=share.digest or "",
                ages=int(laying.ages),
                rows_digest=laying.digest(share),
            ),
        )

    return SheetCompany(
        company_id=share.company_id, lines=laying.lines(share), rest=rest
    )


def text_of(text: str | None) -> str | None:
    """Return a text as SQLite takes it, cut where it is very long."""
    if text is None:
        return None
    if len(text) > TEXT_MAX:
        text = f"{text[: TEXT_MAX - 1]}…"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _bounded(value: object) -> object:
    return text_of(value) if isinstance(value, str) else value


class _Laying:
    """Lines on their way: each is counted as it passes."""

    def __init__(self, company_id: str) -> None:
        self.tallies = Tallies()
        self.ages = False
        self._company_id = company_id
        self._hashed = hashlib.sha256(company_id.encode("utf-8", "replace"))

    def digest(self, share: Share) -> str:
        """Return the digest of all rows, once the lines were given."""
        self._hashed.update(_encode([attrs.astuple(sync) for sync in share.syncs]))
        self._hashed.update(_encode([attrs.astuple(f) for f in share.findings]))
        return self._hashed.hexdigest()

    def lines(self, share: Share) -> Iterator[tuple[object, ...]]:
        """Yield the lines in the order of the share, which is that of their ids."""
        shared: dict[int, _OfItem] = {}
        for row in share.items:
            item = row.item
            found = shared.get(id(item))
            if found is None:
                found = shared[id(item)] = _of_item(item)
                self.ages = self.ages or item.broken_since is not None
            line = self._line(row, found)
            self.tallies.add(line)
            yield line

    def _line(self, row: Judged, found: "_OfItem") -> tuple[object, ...]:
        name, content = row.transaction_id, row.content
        columns, hashed = _SAYS_NOTHING if content is None else _of_content(content)
        self._hashed.update(name.encode("utf-8", "replace"))
        self._hashed.update(found.seen)
        self._hashed.update(b"\1" if row.differs else b"\0")
        self._hashed.update(hashed)
        return (
            self._company_id,
            name,
            *found.before,
            int(row.differs),
            *found.after,
            *columns[:-1],
            found.aged,
            columns[-1],
            found.seen,
        )


@attrs.frozen
class _OfItem:
    """The columns that lines with the same facts have in common."""

    before: tuple[object, ...]  # up to `waits`
    after: tuple[object, ...]  # from `broken_since` to `message`
    aged: int
    seen: bytes


def _of_item(item: Item) -> _OfItem:
    decision = item.decision
    since = _micros(item.broken_since)
    before = (
        item.state.value,
        _value(item.kind),
        item.cause,
        item.fingerprint,
        _value(item.owner),
        item.verdict.value,
        item.action.value,
        item.attempts,
        int(item.expected),
        int(item.half_booked),
        int(item.waits),
    )
    after = (
        since,
        _micros(item.changes_at),
        _value(item.changes_to),
        _micros(item.not_before),
        _micros(item.first_sent_at),
        _micros(item.last_sent_at),
        text_of(item.sync_id),
        item.blocked_by,
        decision.kind.value if decision else None,
        text_of(decision.actor) if decision else None,
        _micros(decision.at) if decision else None,
        text_of(item.reason) or "",
        text_of(_message(item)),
    )
    legs = [leg[:4] for leg in item.legs]  # not when they were read last
    stands = _encode([before, after, legs, decision and decision.reason])
    aged = _NO_AGE if since is None else -since
    return _OfItem(before, after, aged, hashlib.sha256(stands).digest()[:16])


def _message(item: Item) -> str | None:
    """Return what was said first of what is broken, None where nobody said anything."""
    if item.state is not ItemState.BREAK:
        return None
    return next((leg.message for leg in item.legs if leg.message), None)


def _of_content(content: Content) -> tuple[tuple[object, ...], bytes]:
    """Return the columns of what a line says, and bytes to tell them apart."""
    kind, currency = text_of(content.type), text_of(content.currency)
    amount = content.amount
    priced = amount is not None and is_priced(content.type, content.currency)
    parts, odd = NOTHING, None
    if priced and amount is not None:
        found = split(Decimal(amount))
        parts, odd = (NOTHING, amount) if found is None else (found, None)
    merchant, reference = text_of(content.merchant), text_of(content.reference)
    columns = (
        kind,
        currency,
        amount,
        int(not priced),
        *parts,
        odd,
        _NO_SIZE if amount is None else float(amount),
        content.issue_date or "",
        merchant,
        reference,
        _words(merchant or "", reference or ""),
        _beginning(content.digest),
    )
    return columns, repr(columns).encode("utf-8", "replace")


@lru_cache(maxsize=4096)
def _words(merchant: str, reference: str) -> str:
    return f"{merchant.casefold()}\n{reference.casefold()}"[:WORDS_MAX]


def _beginning(digest: str) -> bytes:
    return bytes.fromhex(digest[:32]) if digest else b""


_SAYS_NOTHING: Final = (
    (None, None, None, 1, *NOTHING, None, _NO_SIZE, "", None, None, "", b""),
    b"",
)


def _value(word: object) -> str | None:
    return None if word is None else str(word)


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)
