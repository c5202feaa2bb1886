"""Commands that run on, `serve` and `follow`: started, killed, stopped and sampled."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import attrs

from tests.soak.memory import Sample, sample_process

COMMAND: Final = str(Path(sys.executable).parent / "reconcile")
STOP_MAX_S: Final = 5.0
_GIVE_UP_S: Final = 60.0  # on a process that does not stop; it is killed then
_READY_MAX_S: Final = 30.0


@attrs.define(kw_only=True)
class DaemonRun:
    """One process from its start to its end."""

    process: subprocess.Popen[bytes]
    began: float  # monotonic
    samples: list[Sample] = attrs.field(factory=list)


@attrs.define(kw_only=True)
class Daemon:
    """One command that is to run on, process after process."""

    name: str
    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    is_ready: Callable[[], bool] = lambda: True
    runs: list[DaemonRun] = attrs.field(factory=list)
    kills: int = 0
    stops_s: list[float] = attrs.field(factory=list)
    wrongs: list[str] = attrs.field(factory=list)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _wanted: bool = False  # it should run now

    @property
    def log(self) -> Path:
        """Return where its output goes."""
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start a process, and wait until it answers."""
        with self._lock, self.log.open("ab") as log:
            process = subprocess.Popen(
                [COMMAND, *self.arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            self.runs.append(DaemonRun(process=process, began=time.monotonic()))
            self._wanted = True
        give_up_at = time.monotonic() + _READY_MAX_S
        while not self.is_ready():
            if process.poll() is not None or time.monotonic() > give_up_at:
                self.wrongs.append(f"{self.name} did not begin to answer")
                return
            time.sleep(0.05)

    def kill(self) -> None:
        """End the process as a power cut does: SIGKILL."""
        with self._lock:
            process = self._ending()
            process.kill()
            process.wait()
            self.kills += 1

    def stop(self) -> None:
        """End the process by SIGTERM, and hold it to the time that may take."""
        with self._lock:
            process = self._ending()
            began = time.monotonic()
            process.terminate()
            try:
                status = process.wait(_GIVE_UP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
            took_s = time.monotonic() - began
            self.stops_s.append(took_s)
        if took_s > STOP_MAX_S:
            self.wrongs.append(f"{self.name} took {took_s:.1f} s to stop")
        if status != 0:
            self.wrongs.append(f"{self.name} ended with {status} when told to stop")

    def look(self) -> None:
        """Sample the process; note one that ended by itself."""
        with self._lock:
            if not self._wanted:
                return
            run = self.runs[-1]
            status = run.process.poll()
            if status is not None:
                self._wanted = False
                self.wrongs.append(f"{self.name} ended by itself with {status}")
                return
            sample = sample_process(run.process.pid, time.monotonic() - run.began)
        if sample is not None:
            run.samples.append(sample)

    def end(self) -> None:
        """Kill what still runs, whatever happened."""
        with self._lock:
            self._wanted = False
            for run in self.runs:
                if run.process.poll() is None:
                    run.process.send_signal(signal.SIGKILL)
                    run.process.wait()

    def _ending(self) -> subprocess.Popen[bytes]:
        self._wanted = False
        return self.runs[-1].process
