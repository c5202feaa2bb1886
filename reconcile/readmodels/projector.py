"""The projector: events after the views' position, folded into rows, exactly once.

A batch's rows and its position are written in one transaction. An event that cannot be
folded is found by halving, put aside with the reason, and never stops the others.
"""

from collections.abc import Sequence

from reconcile.domain.policy import Policy
from reconcile.errors import StoreError
from reconcile.judgement.item import Rules
from reconcile.readmodels.batch import ProjectionBatch
from reconcile.storage.ports import OvertakenError, Store, StoredEvent, ViewChanges


class Projector:
    """Brings the live views of one store up to date."""

    def __init__(self, store: Store, *, policy: Policy, rules: Rules) -> None:
        self._store = store
        self._views = store.views()
        self._policy = policy
        self._rules = rules

    def catch_up(self) -> int:
        """Project every event there is now; return the position the views stand at.

        What is written meanwhile may be left for the next call: one that wrote faster
        than we fold would keep us for ever. Views that other rules or deadlines made
        are folded anew from the first event.
        """
        self._views.begin_anew_unless(f"{self._rules.label}; {self._policy.label}")
        until = self._store.position()
        while True:
            with self._store.reading() as views:
                after = views.position()
            stored = self._store.stored_after(after) if after < until else []
            if not stored:
                return after
            try:
                self._project(stored, after)
            except OvertakenError:
                continue

    def _project(self, stored: Sequence[StoredEvent], after: int) -> None:
        position = stored[-1].position
        try:
            with self._store.reading() as views:
                batch = ProjectionBatch(
                    self._store, views, policy=self._policy, rules=self._rules
                )
                changes = batch.fold(stored)
        except StoreError:
            raise  # the file failed us, not an event: nothing is poison for that
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the rest
            if len(stored) > 1:
                half = len(stored) // 2
                self._project(stored[:half], after)
                self._project(stored[half:], stored[half - 1].position)
                return
            reason = f"{type(error).__name__}: {error}"
            changes = ViewChanges(poisoned=[(position, reason)])
        self._views.write(changes, after=after, position=position)
