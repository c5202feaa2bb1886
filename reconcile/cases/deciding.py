"""Who decides, and why: without either, no decision is recorded."""

from reconcile.errors import UsageError


def check_person(what: str, *, actor: str, reason: str) -> None:
    """Refuse a decision that nobody made, or that has no reason.

    Raises:
        UsageError: the actor or the reason is blank.

    """
    if not actor.strip():
        raise UsageError(f"{what}: the actor is blank, expected who decides")
    if not reason.strip():
        raise UsageError(f"{what}: the reason is blank, expected why")
