"""How a group of deliveries is kept: in one commit, and none fails for another."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from reconcile.codat.exchange import Captured, Exchange
from reconcile.domain.case_events import EvidenceQuarantined
from reconcile.endpoint.commit import NotKept, Waiting
from reconcile.errors import HistoryError, StoreError, StoreLostError
from reconcile.history import Batch, History
from reconcile.intake.captures import read_capture
from reconcile.intake.take import take
from reconcile.quiet import logger
from reconcile.storage.ports import Store, VersionConflictError
from reconcile.storage.refused import UntrustedDelivery

Delivered = Captured | UntrustedDelivery

_D = TypeVar("_D")
_log = logger("endpoint")


class Keeper:
    """Writes groups of deliveries into one store; used by one thread."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._history = History(store)
        self._untrusted = store.untrusted()
        self._now = now

    def write(self, group: Sequence[Waiting[Delivered]]) -> None:
        """Keep a group, the trusted first, and tell each bringer what became of it."""
        trusted: list[tuple[Captured, Waiting[Delivered]]] = []
        refused: list[tuple[UntrustedDelivery, Waiting[Delivered]]] = []
        for waiting in group:
            if isinstance(waiting.what, UntrustedDelivery):
                refused.append((waiting.what, waiting))
            else:
                trusted.append((waiting.what, waiting))
        _settle(trusted, self._take)
        _settle(refused, self._untrusted.keep)

    def _take(self, captured: Sequence[Captured]) -> None:
        try:
            take(self._history, captured, now=self._now)
        except StoreError:
            raise
        except HistoryError as error:
            if len(captured) > 1 or not isinstance(captured[0], Exchange):
                raise
            self._quarantine(captured[0], str(error))
        self._store.confirm()  # where all was known before, nothing was written

    def _quarantine(self, delivery: Exchange, reason: str) -> None:
        """Keep a delivery whose own stream cannot be read, until that is mended."""
        piece = read_capture(delivery)
        if piece is None or piece.evidence.request_digest is None:
            raise HistoryError(reason)  # take would not have read its stream
        batch = Batch(evidence=[piece.evidence])
        digest = piece.evidence.request_digest.hex()
        event = EvidenceQuarantined(
            digest=digest, reason=reason, evidence=piece.evidence.identity.hex()
        )
        self._history.add_case_event(batch, piece.evidence.company_id, digest, event)
        self._history.commit(batch, now=self._now())


def _settle(
    group: Sequence[tuple[_D, Waiting[Delivered]]],
    keep: Callable[[Sequence[_D]], None],
) -> None:
    """Keep a group and settle its futures; where one is poison, each by itself."""
    if not group:
        return
    try:
        keep([what for what, _ in group])
    except (StoreError, VersionConflictError) as error:
        fields = {"codat_deliveries": len(group)}
        is_lost = isinstance(error, StoreLostError)  # the store itself says so, once
        level = logging.DEBUG if is_lost else logging.WARNING
        _log.log(level, "deliveries not kept: %s", error, extra=fields)
        for _, waiting in group:
            waiting.outcome.set_exception(NotKept(str(error)))
    except Exception as error:  # noqa: BLE001 - whoever waits for it is told
        if len(group) > 1:
            for alone in group:
                _settle([alone], keep)
        else:
            group[0][1].outcome.set_exception(error)
    else:
        _log.debug("deliveries kept", extra={"codat_deliveries": len(group)})
        for _, waiting in group:
            waiting.outcome.set_result(None)
