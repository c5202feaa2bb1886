"""A Codat to test against, with books that tell the truth."""

from reconcile.sandbox.deliveries import Delivery
from reconcile.sandbox.messages import Call, Response
from reconcile.sandbox.sandbox import Sandbox
from reconcile.sandbox.scenarios import Scenario, scenario
from reconcile.sandbox.settings import AS_DOCUMENTED, Settings
from reconcile.sandbox.world import Company, Ledger

__all__ = [
    "AS_DOCUMENTED",
    "Call",
    "Company",
    "Delivery",
    "Ledger",
    "Response",
    "Sandbox",
    "Scenario",
    "Settings",
    "scenario",
]
