"""Frozen plans by their digest, so that what was seen is what is run or downloaded."""

import re
import threading
from collections import OrderedDict
from typing import Final

from reconcile.retries.plan import Plan

FROZEN_MAX: Final = 32
"""So many plans are there at a time; the one longest unused goes first."""
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII).fullmatch


class PlanShelf:
    """Holds frozen plans. Safe for threads."""

    def __init__(self, *, most: int = FROZEN_MAX) -> None:
        self._most = most
        self._frozen: OrderedDict[str, Plan] = OrderedDict()
        self._lock = threading.Lock()

    def freeze(self, plan: Plan) -> str:
        """Hold a plan; return the digits of its digest, which its address has."""
        digits = digits_of(plan.digest)
        with self._lock:
            self._frozen[digits] = plan
            self._frozen.move_to_end(digits)
            while len(self._frozen) > self._most:
                self._frozen.popitem(last=False)
        return digits

    def frozen(self, digits: str) -> Plan | None:
        """Return a plan by the digits of its digest, None where it is not there."""
        with self._lock:
            plan = self._frozen.get(digits)
            if plan is not None:
                self._frozen.move_to_end(digits)
            return plan


def digits_of(digest: str) -> str:
    """Return the digits of a plan's digest."""
    return digest.removeprefix("sha256:")


def is_digits(text: str) -> bool:
    """Return whether a part of an address could name a plan."""
    return _HEX(text) is not None
