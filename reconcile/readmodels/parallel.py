"""Work on companies, spread over the workers of any `concurrent.futures.Executor`.

The library hands an executor functions and tasks, and knows no engine: processes of
this machine (`Processes`), and whatever else speaks that protocol. A task is an address
and names; nothing that is open goes over.
"""

import contextlib
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from reconcile.domain.policy import Policy
from reconcile.errors import (
    HistoryError,
    NoStoreError,
    ReconcileError,
    StoreError,
    UsageError,
    WorkersLostError,
)
from reconcile.judgement.item import Rules
from reconcile.rules import BUILT_IN
from reconcile.version import VERSION

if TYPE_CHECKING:  # what it imports takes its time, and few commands need it
    from concurrent.futures import ProcessPoolExecutor

_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")
_Name = TypeVar("_Name")

TASKS_MAX: Final = 1024
_TASKS_MIN: Final = 8
_EVENTS_PER_TASK: Final = (
    250  # a sixth of a second; a source is opened in two hundredths
)


def divided(names: Sequence[_Name], *, events: int) -> Iterator[tuple[_Name, ...]]:
    """Yield names in order, in runs of about one length: a task is made of each.

    `events` are so many as all of them have: few events are not worth many tasks.
    """
    most = min(max(events // _EVENTS_PER_TASK, _TASKS_MIN), TASKS_MAX)
    runs = min(most, len(names))
    for number in range(runs):
        start, end = (len(names) * n // runs for n in (number, number + 1))
        yield tuple(names[start:end])


def answers(
    executor: Executor,
    function: Callable[[_Task], _Answer],
    tasks: Iterable[_Task],
) -> Iterator[_Answer]:
    """Yield what a function of a module answers to each task, in order.

    Raises:
        WorkersLostError: the workers are gone, and with them what they worked on.
        ReconcileError: what a worker raised.

    """
    try:
        work = executor.map(partial(_answer, function, VERSION), tasks)
        for answer in work:
            if isinstance(answer, _Refusal):
                raise answer.error()
            yield answer
    except BrokenExecutor as error:
        raise WorkersLostError(
            "worker processes ended twice before their work was done, expected more"
            " memory for each, or fewer workers"
        ) from error


def judging_of(policy: Policy, rules: Rules) -> bytes:
    """Return policy and rules as they go to workers, which have the built-in rules."""
    return pickle.dumps((policy, None if rules is BUILT_IN else rules))


@lru_cache(maxsize=8)
def judging_in(judging: bytes) -> tuple[Policy, Any]:
    """Return policy and rules in a worker: the same objects for the same bytes.

    What is remembered of a message is remembered by the rules that classed it.
    """
    policy, rules = pickle.loads(judging)  # noqa: S301 - whoever sends it sends tasks too
    return policy, rules or BUILT_IN


@attrs.frozen
class _Refusal:
    """An error of ours on its way back; those with arguments cannot be pickled."""

    name: str
    sentence: str

    def error(self) -> ReconcileError:
        kinds = {kind.__name__: kind for kind in _KINDS}
        return kinds.get(self.name, StoreError)(self.sentence)


_KINDS: Final = (UsageError, HistoryError, StoreError, NoStoreError)


def _answer(
    function: Callable[[_Task], _Answer], version: str, task: _Task
) -> _Answer | _Refusal:
    """Return the answer to a task, in the worker."""
    if version != VERSION:
        sentence = f"a worker runs codat-reconcile {VERSION}, expected {version}"
        return _Refusal("UsageError", sentence)
    try:
        return function(task)
    except ReconcileError as error:
        return _Refusal(type(error).__name__, str(error))


class Here(Executor):
    """Works in this process, one task after another, as the answers are asked for."""

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """Call at once; return what is done already."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - the future raises it
            future.set_exception(error)
        return future

    def map(
        self, fn: Callable[..., Any], *iterables: Iterable[Any], **_: Any
    ) -> Iterator[Any]:
        """Return the answers, each made when it is asked for."""
        return map(fn, *iterables)


class Processes(Executor):
    """Worker processes of this machine; what a killed one worked on is done again.

    The pool is made anew once. Workers start from a clean process, not from a copy of
    this one: an open store does not outlive that. Use it in a `with`.
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise UsageError(f"workers: {workers} is below 1, expected 1 or more")
        self._workers = workers
        self._lock = threading.Lock()
        self._pool = self._new()
        self._is_second = False

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.shutdown()
        else:
            self.kill()

    def submit(
        self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """Hand a call to a worker; to one of a new pool where it is killed."""
        outer: Future[Any] = Future()
        self._start(outer, partial(fn, *args, **kwargs))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the workers end."""
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        """End the workers now, whatever they are at."""
        with self._lock:
            self._is_second = True
            workers = [*(getattr(self._pool, "_processes", None) or {}).values()]
        for worker in workers:
            worker.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, outer: Future[Any], call: Callable[[], Any]) -> None:
        pool = self._pool
        try:
            inner = pool.submit(call)
        except BrokenExecutor as error:
            self._again(outer, call, pool, error)
        except OSError as error:  # no process can be started
            outer.set_exception(error)
        else:
            inner.add_done_callback(partial(self._done, outer, call, pool))

    def _done(
        self,
        outer: Future[Any],
        call: Callable[[], Any],
        pool: "ProcessPoolExecutor",
        inner: Future[Any],
    ) -> None:
        if inner.cancelled():
            outer.cancel()
            return
        error = inner.exception()
        if isinstance(error, BrokenExecutor):
            self._again(outer, call, pool, error)
        elif not outer.cancelled():
            if error is None:
                outer.set_result(inner.result())
            else:
                outer.set_exception(error)

    def _again(
        self,
        outer: Future[Any],
        call: Callable[[], Any],
        broken: "ProcessPoolExecutor",
        error: BaseException,
    ) -> None:
        """Start a call in the second pool, or give it up where that is broken too.

        It is called where nobody hears of an error: whoever waits has to be told.
        """
        with self._lock:
            if self._pool is broken and not self._is_second:
                self._is_second = True
                with contextlib.suppress(OSError):  # there may be no room for it
                    self._pool = self._new()
            is_lost = self._pool is broken
        if is_lost:
            if not outer.cancelled():
                outer.set_exception(error)
        else:
            self._start(outer, call)

    def _new(self) -> "ProcessPoolExecutor":
        import multiprocessing  # noqa: PLC0415 - as above
        from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - as above

        way = "spawn" if sys.platform == "win32" else "forkserver"
        context = multiprocessing.get_context(way)
        if way == "forkserver":
            context.set_forkserver_preload(["reconcile.report.tasks"])
        return ProcessPoolExecutor(
            self._workers, mp_context=context, initializer=_end_at_interrupt
        )


def _end_at_interrupt() -> None:
    """Let an interrupt from the keyboard end a worker without a word."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_DFL)
