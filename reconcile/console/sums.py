"""The sums in the foot of a list: by type and currency, each expense in one of them."""

from collections.abc import Mapping

from reconcile.report.html.tally import MoneyKey
from reconcile.report.html.view import Prices, prices_of
from reconcile.report.money import StateKey, Sum


def prices_in(sums: Mapping[StateKey, Sum]) -> Prices:
    """Return sums of any states as a foot shows them: payments first, others apart."""
    found: dict[MoneyKey, Sum] = {}
    for key, some in sums.items():
        found.setdefault(MoneyKey(key.type, key.currency), Sum()).include(some)
    return prices_of(found)
