"""Commands that end: each with the exit statuses it may have, timed, and read."""

import json
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import attrs

from tests.soak.daemons import COMMAND

WAIT_MAX_S: Final = 240.0
_SHOWN: Final = 300


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    output: str
    errors: str


@attrs.define(kw_only=True)
class Asker:
    """Runs commands on the soak's store, and notes what was wrong with them."""

    folder: Path
    environment: Mapping[str, str]
    wrongs: list[str] = attrs.field(factory=list)
    seconds: dict[str, list[float]] = attrs.field(factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = attrs.field(factory=Counter)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def ask(
        self,
        *arguments: str,
        may: Collection[int] = (0,),
        given: bytes = b"",
        store: Path | None = None,
    ) -> Ended:
        """Run a command to its end, on the soak's store or another."""
        name = " ".join(arguments[: 2 if arguments[0] == "audit" else 1])
        on = () if store is None else ("--store", f"sqlite:///{store}")
        began = time.monotonic()
        try:
            ran = subprocess.run(
                [COMMAND, *on, *arguments],
                cwd=self.folder,
                env=self.environment,
                input=given,
                capture_output=True,
                timeout=WAIT_MAX_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self.complain(f"{name} did not end within {WAIT_MAX_S:.0f} s")
            return Ended(-1, "", "")
        ended = Ended(ran.returncode, ran.stdout.decode(), ran.stderr.decode())
        with self._lock:
            self.seconds[name].append(time.monotonic() - began)
            self.statuses[name, ended.status] += 1
        if ended.status not in may or "Traceback" in ended.errors:
            words = (ended.errors or ended.output).strip()[-_SHOWN:]
            self.complain(f"{name} ended with {ended.status}: {words}")
        return ended

    def complain(self, wrong: str) -> None:
        """Note what must not be."""
        with self._lock:
            self.wrongs.append(wrong)

    def report(self, *options: str, store: Path | None = None) -> dict[str, Any]:
        """Return a report as JSON, having held it against its exit status."""
        ended = self.ask(
            "report", "--format", "json", *options, may=(0, 1), store=store
        )
        if ended.status not in (0, 1):
            return {}
        report: dict[str, Any] = json.loads(ended.output)
        if (report["totals"]["break"] > 0) != (ended.status == 1):
            self.complain(
                f"report ended with {ended.status},"
                f" and has {report['totals']['break']} breaks"
            )
        return report
