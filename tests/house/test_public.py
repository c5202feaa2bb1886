"""The public surface: a host can name everything that it is given or asked for."""

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import reconcile

INSIDE = {
    "Asked": "RequestState answers by its properties",
    "Batch": "what History takes",
    "ClientSettings": "the keyword arguments of a client, by their names",
    "ExportedEvents": "Export opens it",
    "Failure": "what a Rule is to judgement",
    "History": "Reconciler makes it",
    "Mended": "a report's own look at an item that is written",
    "PageError": "the console's own pages raise it",
    "Projector": "Reconciler makes it",
    "RequestFact": "RequestState answers by its properties",
    "RequestLedger": "Dispatch's own look at a company",
    "RequestOutcome": "RequestState answers by its properties",
    "Rules": "a Ruleset is one",
    "SentContent": "Reconciler's own look at what is corrected",
    "Step": "the follower's own plan",
    "Store": "Reconciler opens it",
    "SyncRequested": "an event of the history",
    "Until": "a Backoff takes its words",
}
"""Types in public signatures that a host neither makes nor reads, with the reason."""


def types_in(hint: Any) -> Iterator[type]:
    if isinstance(hint, type):
        yield hint
    for part in typing.get_args(hint):
        for inner in part if isinstance(part, list) else (part,):
            yield from types_in(inner)


def functions_of(public: Any) -> Iterator[Any]:
    if not isinstance(public, type):
        yield public
        return
    for name, member in inspect.getmembers(public):
        if name == "__init__" or not name.startswith("_"):
            found = member.fget if isinstance(member, property) else member
            function = getattr(found, "__func__", found)
            module = getattr(function, "__module__", None) or ""
            if inspect.isfunction(function) and module.startswith("reconcile"):
                yield function


@pytest.mark.parametrize("name", sorted(set(reconcile.__all__) - {"__version__"}))
def test_every_type_of_ours_in_a_public_signature_is_public(name: str) -> None:
    hidden = {
        found.__name__
        for function in functions_of(getattr(reconcile, name))
        for hint in typing.get_type_hints(function).values()
        for found in types_in(hint)
        if found.__module__.startswith("reconcile.")
        and found.__name__ not in reconcile.__all__
    }

    assert hidden - INSIDE.keys() == set()


def test_importing_the_package_imports_no_room() -> None:
    import subprocess
    import sys

    code = (
        "import sys, reconcile;"
        "print(sorted(m for m in sys.modules if m.startswith('reconcile.')))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert shown.stdout.strip() == "['reconcile.version']"
