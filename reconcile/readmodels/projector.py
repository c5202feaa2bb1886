"""The projector: events that the views lack, folded into rows, exactly once.

A batch's rows and its position are written in one transaction. An event that cannot be
folded is found by halving, put aside with the reason, and never stops the others.
"""

from collections.abc import Sequence
from typing import Final

from reconcile.domain.policy import Policy
from reconcile.errors import StoreError
from reconcile.judgement.item import Rules
from reconcile.projections.judging import judge_by_facts
from reconcile.readmodels.batch import ProjectionBatch
from reconcile.storage.ports import (
    Claim,
    OvertakenError,
    Store,
    StoredEvent,
    ViewChanges,
)


class Projector:
    """Brings the live views of one store up to date."""

    def __init__(self, store: Store, *, policy: Policy, rules: Rules) -> None:
        self._store = store
        self._views = store.views()
        self._label = f"{rules.label}; {policy.label}"
        self._judge = judge_by_facts(policy=policy, rules=rules)

    def catch_up(self) -> int:
        """Project every event there is now; return the position the views stand at.

        What is written meanwhile may be left for the next call: one that wrote faster
        than we fold would keep us for ever. Views that other rules or deadlines made
        are folded anew from the first event.
        """
        self._views.begin_anew_unless(self._label)
        for _ in range(_LEVELLINGS):
            until = self._store.position()
            while self._project_some(until):
                pass
            with self._store.reading() as views:
                position = views.position()
                if views.is_even():
                    break
        return position

    def _project_some(self, until: int) -> bool:
        """Project one claim; return whether there may be more."""
        try:
            with self._views.claim(until=until) as claim:
                if claim is not None:
                    self._project(claim, claim.stored)
                return claim is not None
        except OvertakenError:
            return True

    def _project(self, claim: Claim, stored: Sequence[StoredEvent]) -> None:
        try:
            with claim.reading() as views:
                batch = ProjectionBatch(self._store, views, judge=self._judge)
                changes = batch.fold(stored)
        except StoreError:
            raise  # the file failed us, not an event: nothing is poison for that
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the rest
            if len(stored) > 1:
                half = len(stored) // 2
                self._project(claim, stored[:half])
                self._project(claim, stored[half:])
                return
            reason = f"{type(error).__name__}: {error}"
            changes = ViewChanges(poisoned=[(stored[-1].position, reason)])
        claim.write(changes, position=stored[-1].position)


_LEVELLINGS: Final = 3
"""How often what others have run ahead with is caught up with."""
