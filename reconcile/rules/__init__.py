"""Rulesets: why something failed, who can mend it, and may it be sent again. Data."""

from reconcile.rules.ruleset import BUILT_IN, Rule, Ruleset, load

__all__ = ["BUILT_IN", "Rule", "Ruleset", "load"]
