"""Workers that die: what a task does the first time it is run, or each time."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen
class Deadly(Executor):
    """Hands work to another executor; the worker of a task is killed in the middle.

    `marker` is made by the first that dies: then no other does. Without one, each does.
    """

    inner: Executor
    marker: Path | None = None

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """Hand over one call."""
        return self.inner.submit(partial(dying, fn, self.marker), *args, **kwargs)

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], **kwargs: Any
    ) -> Iterator[Any]:
        """Hand over many calls."""
        return self.inner.map(partial(dying, fn, self.marker), *iterables, **kwargs)


def dying(fn: Callable[..., Any], marker: Path | None, *args: Any) -> Any:
    """Do the work, and be killed before anybody hears of it."""
    answer = fn(*args)
    try:
        if marker is not None:
            marker.touch(exist_ok=False)
    except FileExistsError:
        return answer
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed worker lives")
