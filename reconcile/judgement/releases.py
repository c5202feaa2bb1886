"""What releases a failure that somebody had to mend: it may be sent again.

Rules: `docs/explanation/judgement.md`, section 10, "Releases".
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from reconcile.domain.vocabulary import Action, Owner
from reconcile.judgement.contents import differ, sent_in
from reconcile.judgement.facts import DatasetFacts, MendedBy, SentContent
from reconcile.judgement.item import Mended, Release
from reconcile.judgement.verdict import Failed


class Proof(NamedTuple):
    """An expense that was written after it had failed, and when that was tried."""

    tried_at: datetime
    transaction_id: str


Proofs = Mapping[str, Proof]
"""What was mended in one company, by fingerprint: the latest proof of each."""


Mends = Mapping[str, MendedBy]
"""What people said is mended in one company, by fingerprint: the latest of each."""


def release_of(
    failed: Failed,
    *,
    sent: Sequence[SentContent],
    proofs: Proofs,
    mends: Mends,
    datasets: Mapping[str, DatasetFacts],
) -> Release | None:
    """Return what releases a failure; None: nothing does.

    `sent` is what is known to have been sent, in order.
    """
    cause = failed.cause
    if cause.owner is Owner.US and cause.action is not Action.MEND_OURS:
        failing = sent_in(sent, failed.attempt, datasets)
        if failing is not None and differ(failing.content, sent[-1].content):
            return Release(
                _how(sent[-1], datasets),
                "It has been changed since it failed: send it again.",
            )
    proof = proofs.get(failed.fingerprint)
    if proof is not None and proof.tried_at > failed.tried_at:
        return Release(
            Action.RESEND,
            f"{proof.transaction_id} failed in the same way, and was written"
            " afterwards: send this again too.",
        )
    mended = mends.get(failed.fingerprint)
    if mended is not None and mended.at > failed.tried_at:
        return Release(
            Action.RESEND, f"{mended.actor} says that it is mended: send it again."
        )
    return None


def proves(
    mended: Mended,
    *,
    sent: Sequence[SentContent],
    datasets: Mapping[str, DatasetFacts],
) -> bool:
    """Return whether a success shows that what had failed is mended for others too.

    It does not where the expense itself was changed.
    """
    failing = sent_in(sent, mended.failed_in, datasets)
    written = sent_in(sent, mended.written_in, datasets)
    return (
        failing is None
        or written is None
        or not differ(failing.content, written.content)
    )


def latest_mends(
    mended: Mapping[str, Iterable[MendedBy]], *, at: datetime
) -> dict[str, MendedBy]:
    """Return what people said last is mended, by a moment."""
    found = {}
    for fingerprint, each in mended.items():
        known = [m for m in each if m.at <= at]
        if known:
            found[fingerprint] = max(known)
    return found


def latest_proofs(found: Iterable[tuple[str, Proof]]) -> dict[str, Proof]:
    """Return the latest proof of each fingerprint."""
    proofs: dict[str, Proof] = {}
    for fingerprint, proof in found:
        proofs[fingerprint] = max(proof, proofs.get(fingerprint, proof))
    return proofs


def _how(sent: SentContent, datasets: Mapping[str, DatasetFacts]) -> Action:
    """Return how what was sent last gets into the books."""
    _, dataset_id, _, at = sent.sending
    if dataset_id is None or dataset_id not in datasets:
        return Action.RESEND
    taken_up = any(link.at >= at for link in datasets[dataset_id].syncs)
    return Action.RESEND if taken_up else Action.START_SYNC
