"""Setting evidence aside: bytes that nobody can read, or a webhook that tells nothing.

Codat's example event is signed as any other, and speaks of a company that is nobody's.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from datetime import datetime
from typing import Final, get_args

import attrs

from reconcile.cases.deciding import check_person
from reconcile.domain.case_events import EvidenceSetAside
from reconcile.domain.events import DeliverySetAside, Recorded, SyncReportEvent
from reconcile.domain.instants import EPOCH
from reconcile.domain.rows import rows_in
from reconcile.errors import UsageError
from reconcile.history import Batch, History, evidence_of
from reconcile.projections.rereads import RowsByEvent, rows_of
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.storage.ports import Store, VersionConflictError

_OF_WEBHOOKS: Final = tuple(kind.TOPIC for kind in get_args(SyncReportEvent))


def set_aside(
    history: History,
    digest: str,
    *,
    actor: str,
    reason: str,
    now: Callable[[], datetime],
) -> None:
    """Decide that quarantined bytes need not be read, or leave out what a webhook said.

    Raises:
        UsageError: no evidence in quarantine and no webhook has that digest, it is set
            aside already, or a name is blank.

    """
    check_person("set aside", actor=actor, reason=reason)
    wanted = digest.strip().removeprefix("sha256:").lower()
    quarantine = quarantine_at(history.store, until=history.store.position())
    companies = {
        evidence.company_id for name, evidence in quarantine.waiting() if name == wanted
    }
    batch = Batch()
    event = EvidenceSetAside(digest=wanted, actor=actor, reason=reason)
    for company in sorted(companies, key=lambda company_id: company_id or ""):
        history.add_case_event(batch, company, wanted, event)
    decided_at = now()
    for stream, version, what in webhooks_of(history.store, wanted):
        decision = attrs.evolve(what, actor=actor, reason=reason, at=decided_at)
        history.add(batch, stream, decision, after=version)
    if not batch.events:
        raise UsageError(
            f"{digest!r} cannot be set aside, expected the digest of evidence in"
            " quarantine, or of a webhook that still counts"
        )
    try:
        history.commit(batch, now=decided_at)
    except VersionConflictError as error:
        raise UsageError(
            f"what is known of {digest} has changed meanwhile: look again"
        ) from error


def webhooks_of(
    store: Store, digest: str
) -> Iterator[tuple[str, int, DeliverySetAside]]:
    """Yield each sync that a body spoke of: stream, version, what to leave out.

    Nothing where it is no webhook's, or is set aside already.
    """
    if len(digest) != _DIGITS or not _HEX.issuperset(digest):
        return
    found = store.deliveries_of(bytes.fromhex(digest))
    deliveries = {identity.hex() for identity in found}
    until = store.position()
    streams: set[str] = set()
    for company_id in {company_id for company_id in found.values() if company_id}:
        positions = store.positions_of(company_id, until=until, topics=_OF_WEBHOOKS)
        events = map(store.recorded, store.stored_at(positions))
        streams |= {r.stream for r in events if evidence_of(r.event) in deliveries}
    for stream in sorted(streams):
        recorded = store.stream(stream)
        if not any(
            isinstance(r.event, DeliverySetAside) and r.event.digest == digest
            for r in recorded
        ):
            what = _left_out(recorded, digest, deliveries)
            yield stream, recorded[-1].version, what


_DIGITS: Final = 64
_HEX: Final = frozenset("0123456789abcdef")


def _left_out(
    stream: Iterable[Recorded], digest: str, deliveries: Set[str]
) -> DeliverySetAside:
    """Return the decision to leave out what deliveries said in one sync's stream."""
    rows = RowsByEvent()
    named: dict[str, None] = {}
    for recorded in stream:
        original = rows.take(recorded)
        if evidence_of(recorded.event) in deliveries:
            groups = rows_of(recorded, original=original)
            named.update(dict.fromkeys(row[0] for row in rows_in(groups)))
    return DeliverySetAside(
        deliveries=tuple(sorted(deliveries)),
        digest=digest,
        transaction_ids=tuple(named),
        actor="",
        reason="",
        at=EPOCH,
    )
