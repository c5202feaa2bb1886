"""Rulesets: why something failed, whose move it is, and what comes next. Data."""

from importlib import resources

from reconcile.rules.loading import load
from reconcile.rules.normal import fingerprint_1
from reconcile.rules.rule import Backoff, Failure, Match, Rule
from reconcile.rules.ruleset import Ruleset

__all__ = [
    "BUILT_IN",
    "Backoff",
    "Failure",
    "Match",
    "Rule",
    "Ruleset",
    "fingerprint_1",
    "load",
    "load_rules",
]

BUILT_IN = load(
    resources.files("reconcile.rules").joinpath("codat.toml").read_text("utf-8"),
    where="codat.toml",
)


def load_rules(text: str, *, where: str = "the ruleset") -> Ruleset:
    """Return the ruleset of a TOML text, which may extend the built-in one, "codat".

    A rule of a known name takes its place, any other stands before all. `where` names
    the text in errors. `docs/reference/ruleset.md` has the fields.

    Raises:
        UsageError: the text is no ruleset; the error gives the line and the field.

    """
    return load(text, where=where, base=BUILT_IN)
