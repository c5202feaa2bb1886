"""Frozen plans by their digest, so that what was seen is what is run or downloaded."""

import contextlib
import os
import re
import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from reconcile.errors import UsageError
from reconcile.retries.plan import Plan

FROZEN_MAX: Final = 32
"""So many plans are there at a time; the one longest unused goes first."""
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII).fullmatch


class PlanShelf:
    """Holds frozen plans. Safe for threads.

    With a folder, each is a file of it too, so that every process that serves the
    console has it, and the next one that is started.
    """

    def __init__(self, folder: Path | None = None, *, most: int = FROZEN_MAX) -> None:
        self._most = most
        self._files = None if folder is None else _PlanFiles(folder, most)
        self._frozen: OrderedDict[str, Plan] = OrderedDict()
        self._lock = threading.Lock()

    def freeze(self, plan: Plan) -> str:
        """Hold a plan; return the digits of its digest, which its address has."""
        digits = digits_of(plan.digest)
        if self._files is not None:
            self._files.write(digits, plan)
        self._hold(digits, plan)
        return digits

    def frozen(self, digits: str) -> Plan | None:
        """Return a plan by the digits of its digest, None where it is not there."""
        with self._lock:
            plan = self._frozen.get(digits)
            if plan is not None:
                self._frozen.move_to_end(digits)
        if plan is None and self._files is not None and is_digits(digits):
            plan = self._files.read(digits)
            if plan is not None:
                self._hold(digits, plan)
        return plan

    def _hold(self, digits: str, plan: Plan) -> None:
        with self._lock:
            self._frozen[digits] = plan
            self._frozen.move_to_end(digits)
            while len(self._frozen) > self._most:
                self._frozen.popitem(last=False)


class _PlanFiles:
    """The latest plans as files, each named by its digest; they may be thrown away."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    def write(self, digits: str, plan: Plan) -> None:
        """Write a plan; where that is not possible, this process alone has it."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._path(digits)
            new = path.with_suffix(f".{secrets.token_hex(4)}")
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(plan.to_json())
            new.replace(path)
            self._drop_oldest()

    def read(self, digits: str) -> Plan | None:
        """Return a plan, None where there is none whose bytes are those of its name."""
        try:
            plan = Plan.from_json(self._path(digits).read_bytes())
        except (OSError, UsageError):
            return None
        return plan if digits_of(plan.digest) == digits else None

    def _path(self, digits: str) -> Path:
        return self._folder / f"{digits}.json"

    def _drop_oldest(self) -> None:
        files = [(file.stat().st_mtime, file) for file in self._folder.glob("*.json")]
        for _, file in sorted(files)[: -self._most]:
            file.unlink(missing_ok=True)


def digest_of(digits: str) -> str:
    """Return the digest of a plan by its digits."""
    return f"sha256:{digits}"


def digits_of(digest: str) -> str:
    """Return the digits of a plan's digest."""
    return digest.removeprefix("sha256:")


def is_digits(text: str) -> bool:
    """Return whether a part of an address could name a plan."""
    return _HEX(text) is not None
