"""Breaks by why they are, as pages list them: a row for each cause, or for each kind.

A cause may have several fingerprints; breaks without a cause go by their kind.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import attrs

from reconcile.console.figures import PartFigure
from reconcile.console.filter import NONE, Filter
from reconcile.console.sheet import Sheet
from reconcile.console.worths import Words, Worths, worths_of
from reconcile.domain.vocabulary import Action, BreakKind, ItemState, Owner, Verdict
from reconcile.report.groups import NOT_TAKEN_UP, title_of_kind
from reconcile.report.html import words
from reconcile.report.money import BUCKETS
from reconcile.rules.rule import Rule
from reconcile.rules.ruleset import Ruleset
from reconcile.storage.worksheet.read import Cut

BY: Final[tuple[Cut, ...]] = (
    "cause",
    "fingerprint",
    "kind",
    "action",
    "verdict",
    "owner",
    "company_id",
)
"""What breaks are counted by, so that every figure of a page comes of one count."""

NEW: Final = next(iter(BUCKETS))
"""The youngest age: breaks of the last day."""
MENDED: Final = "Send them again: it is mended"


class BreakKey(NamedTuple):
    """What counted breaks have in common, in the order of `BY`."""

    cause: str | None
    fingerprint: str | None
    kind: str | None
    action: str
    verdict: str
    owner: str | None
    company_id: str

    @property
    def name(self) -> str:
        """Return the cause's name, or the kind of breaks that have none."""
        return self.cause or self.kind or NONE


@attrs.frozen(kw_only=True)
class OwnerShare:
    """How many breaks one has to move, by verdict."""

    owner: Owner | None
    items: int
    verdicts: Mapping[Verdict, int]

    @property
    def words(self) -> Words:
        """Return what cuts a list down to these breaks, among breaks."""
        return {"owner": self.owner.value if self.owner else NONE}


@attrs.frozen(kw_only=True)
class CauseStanding:
    """Why some breaks are: how many, how much, whose move, what next, since when."""

    name: str
    title: str
    step: str
    released: int  # of what had to be mended, so many may be sent again
    worths: Worths
    owners: Sequence[OwnerShare]
    companies: Sequence[tuple[str, int]]  # those of most breaks first
    fingerprints: Sequence[tuple[str, int]]
    first_at: datetime | None
    last_at: datetime | None

    @property
    def items(self) -> int:
        """Return how many breaks there are."""
        return self.worths.items

    @property
    def words(self) -> Words:
        """Return what cuts a list down to these breaks."""
        return {"state": ItemState.BREAK.value, "cause": self.name}


def cause_rows(parts: Iterable[PartFigure], rules: Ruleset) -> list[CauseStanding]:
    """Return the causes of breaks that are counted by `BY`, the most frequent first."""
    groups: dict[str, list[tuple[BreakKey, PartFigure]]] = {}
    for part in parts:
        key = BreakKey(*part.by)
        groups.setdefault(key.name, []).append((key, part))
    rows = [_row(name, some, rules) for name, some in groups.items()]
    return sorted(rows, key=lambda row: (-row.items, row.title, row.name))


def new_of(sheet: Sheet, scope: Filter) -> Mapping[str, int]:
    """Return how many breaks of each cause, or kind, are of the youngest age."""
    return sheet.breaks_by_name(attrs.evolve(scope, age=(NEW,)))


def _row(
    name: str, some: Sequence[tuple[BreakKey, PartFigure]], rules: Ruleset
) -> CauseStanding:
    known = rules.named(name) if some[0][0].cause is not None else None
    verdicts = _counted((key.verdict, part) for key, part in some)
    fix_first = known is not None and known.verdict is Verdict.FIX_FIRST
    released = verdicts[Verdict.RESEND.value] if fix_first else 0
    worths = worths_of(part for _, part in some)
    actions = _counted((key.action, part) for key, part in some)
    action = known.action if known else Action(_most(actions)[0][0])
    prints = _counted((key.fingerprint or "", part) for key, part in some)
    return CauseStanding(
        name=name,
        title=title_of(name, known, verdicts),
        step=MENDED if released == worths.items else words.step(action, name),
        released=released,
        worths=worths,
        owners=owner_shares(part for _, part in some),
        companies=_most(_counted((key.company_id, part) for key, part in some)),
        fingerprints=[(print_, n) for print_, n in _most(prints) if print_],
        first_at=min((p.first_at for _, p in some if p.first_at), default=None),
        last_at=max((p.last_at for _, p in some if p.last_at), default=None),
    )


def title_of(
    name: str, known: Rule | None, verdicts: Mapping[str, int] | None = None
) -> str:
    """Return a cause, or a kind of breaks without one, in the report's words.

    What is stuck may have been tried or not; only what nothing has tried may be sent.
    """
    if known is not None:
        return known.title
    if name not in _KINDS:
        return name
    title = title_of_kind(BreakKind(name), taken_up=True)
    if name != BreakKind.STUCK or not verdicts or not verdicts.get(Verdict.RESEND):
        return title
    is_all = verdicts[Verdict.RESEND] == sum(verdicts.values())
    return NOT_TAKEN_UP if is_all else f"{title}, or no sync has taken it up"


_KINDS: Final = frozenset(BreakKind)


def owner_shares(parts: Iterable[PartFigure]) -> list[OwnerShare]:
    """Return who has to move how many breaks, those with the most first."""
    shares: dict[Owner | None, Counter[Verdict]] = {}
    for part in parts:
        key = BreakKey(*part.by)
        owner = None if key.owner is None else Owner(key.owner)
        shares.setdefault(owner, Counter())[Verdict(key.verdict)] += part.sum.items
    found = [
        OwnerShare(owner=owner, items=verdicts.total(), verdicts=verdicts)
        for owner, verdicts in shares.items()
    ]
    return sorted(found, key=lambda share: (-share.items, share.owner or ""))


def _counted(some: Iterable[tuple[str, PartFigure]]) -> Counter[str]:
    counter: Counter[str] = Counter()
    for value, part in some:
        counter[value] += part.sum.items
    return counter


def _most(counter: Counter[str]) -> list[tuple[str, int]]:
    """Return what is counted, the most frequent first, then by name."""
    return sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
