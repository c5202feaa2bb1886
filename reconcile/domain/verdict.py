"""What is told of an item: its legs, the failure behind it, the verdict, the reason.

Rules: `docs/explanation/judgement.md`, section 10.
"""

from collections.abc import Iterable

from reconcile.domain.attempt import Result, Standing
from reconcile.domain.chain import ItemView, is_written
from reconcile.domain.item import Failure, Leg, Rules
from reconcile.domain.legs import Settled
from reconcile.domain.vocabulary import BreakKind, ItemState, Verdict, WordClass


def legs_shown(view: ItemView) -> tuple[Leg, ...]:
    """Return a row for each leg of the attempt that decided."""
    deciding = view.deciding
    if deciding is None or deciding.attempt.sync is None:
        return ()
    sync_id = deciding.attempt.sync.sync_id
    if not deciding.legs:
        shown: list[tuple[str | None, Settled]] = (
            [(None, deciding.hook)] if deciding.hook else []
        )
        return tuple(_leg(name, leg, sync_id) for name, leg in shown)
    if view.state is ItemState.MATCHED and deciding.result is not Result.WRITTEN:
        return _legs_written(view.standings)
    return tuple(_leg(name, leg, sync_id) for name, leg in deciding.legs.items())


def _legs_written(standings: Iterable[Standing]) -> tuple[Leg, ...]:
    """Return each leg from the latest attempt in which it was written."""
    legs: dict[str, Leg] = {}
    for standing in standings:
        sync = standing.attempt.sync
        for name, leg in standing.legs.items():
            if sync is not None and is_written(leg):
                legs[name] = _leg(name, leg, sync.sync_id)
    return tuple(
        sorted(legs.values(), key=lambda leg: (leg.sync_id, leg.integration_type or ""))
    )


def _leg(name: str | None, leg: Settled, sync_id: str) -> Leg:
    return Leg(
        integration_type=name,
        status=leg.word,
        sync_id=sync_id,
        message=leg.message,
        reported_at=leg.at,
    )


def code_of(standing: Standing | None) -> int | str | None:
    """Return the status code of an attempt's sync."""
    return standing.code.code if standing is not None and standing.code else None


def http_status_of(standing: Standing | None) -> int | None:
    """Return the HTTP status of a write that was not accepted."""
    if standing is None or standing.attempt.write is None:
        return None
    return standing.attempt.write.http_status


def failure_of(view: ItemView, rules: Rules) -> tuple[Failure | None, str | None]:
    """Return the worst failure of the deciding attempt, with its message."""
    deciding = view.deciding
    if deciding is None or view.state is not ItemState.BREAK:
        return None, None
    if deciding.result not in (Result.FAILED, Result.REGRESSED, Result.DUPLICATE):
        return None, None
    code = code_of(deciding)
    told: list[tuple[str | None, str | None]] = [
        (leg.message, leg.word)
        for leg in deciding.legs.values()
        if leg.word_class is WordClass.FAILED
    ]
    if not told and deciding.hook is not None:
        told = [(deciding.hook.message, deciding.hook.word)]
    if not told and deciding.attempt.write is not None:
        told = [(deciding.attempt.write.words, None)]
    if not told:
        told = [(_sync_words(deciding), None)]
    classed = [
        (rules.classify(message=message, word=word, code=code), message or "")
        for message, word in told
    ]
    failure, message = min(
        classed, key=lambda one: (_SEVERITY[one[0].verdict], one[0].name, one[1])
    )
    return failure, message or None


def _sync_words(standing: Standing) -> str | None:
    words = standing.code.words if standing.code else ()
    return next((said for said in words if said), None)


_SEVERITY = {Verdict.NEVER: 0, Verdict.FIX_FIRST: 1, Verdict.WAIT: 2, Verdict.RESEND: 3}


def verdict_on(view: ItemView, failure: Failure | None) -> tuple[Verdict, str]:
    """Return whether the item may be sent again, and why, in a sentence."""
    if view.state is ItemState.MATCHED:
        return Verdict.NEVER, "It is in the books already."
    if view.kind is BreakKind.UNEXPECTED and any(
        s.result is Result.WRITTEN for s in view.standings
    ):
        return Verdict.NEVER, "It is in the books, though nobody expected it."
    if view.state is ItemState.OPEN or view.waits:
        return Verdict.WAIT, "An attempt is not decided yet."
    if view.kind is BreakKind.INDETERMINATE:
        return Verdict.WAIT, "The answer to our request was lost; it may have arrived."
    if view.kind is BreakKind.MISSING:
        return (
            Verdict.RESEND,
            "It was not written; duplicate protection by id makes sending it safe.",
        )
    if view.kind in (BreakKind.FAILED, BreakKind.UPDATE_FAILED) and failure is not None:
        return failure.verdict, failure.advice
    return Verdict.FIX_FIRST, "Find out what is in the books before sending it again."


def reason_for(view: ItemView, message: str | None) -> str:
    """Return one sentence for a person."""
    deciding = view.deciding
    said = f": {message}" if message else "."
    if view.kind is None:
        if view.state is ItemState.MATCHED:
            return "Every leg is written."
        if deciding is None:
            return "It was handed over, and no sync has taken it up."
        return "No source has decided it yet."
    if view.kind is BreakKind.FAILED and (http := http_status_of(deciding)) is not None:
        return f"Codat refused it (HTTP {http}){said}"
    if view.kind is BreakKind.CONFLICTING and (
        deciding is not None and deciding.result is Result.DUPLICATE
    ):
        return "Codat calls it a duplicate, and nothing shows it written."
    return _REASONS[view.kind].format(said=said)


_REASONS = {
    BreakKind.FAILED: "Codat reports that it failed{said}",
    BreakKind.UPDATE_FAILED: "The books hold the old values; the update failed{said}",
    BreakKind.REGRESSED: "It was reported written, and failed afterwards{said}",
    BreakKind.MISSING: "The sync ended without it.",
    BreakKind.UNEXPECTED: "A sync reported it, and no dataset or call names it.",
    BreakKind.CONFLICTING: "Sources contradict each other.",
    BreakKind.STUCK: "Nothing has decided it within the time allowed.",
    BreakKind.INDETERMINATE: "The answer to our request was lost; no sync is known.",
    BreakKind.UNRECOGNISED: "Codat used a word or a code we do not know.",
}
