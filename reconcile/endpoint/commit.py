"""One thread that writes for everybody: what arrives together is kept together."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

import attrs

GROUP_MAX: Final = 200
GROUP_BYTES_MAX: Final = 8 * 2**20
WAITING_MAX: Final = 1000
WAITING_BYTES_MAX: Final = 64 * 2**20
STOP_WAIT_MAX_S: Final = 10.0

T = TypeVar("T")


class NotKept(Exception):  # noqa: N818 - what the sender is told
    """It cannot be kept now: the store refuses, too much waits, or all is closed."""


@attrs.frozen(eq=False)
class Waiting(Generic[T]):
    """Something to be kept; `kept` tells its bringer what became of it."""

    what: T
    size: int
    outcome: "Future[None]" = attrs.field(factory=Future)


class Committer(Generic[T]):
    """Hands everything that waits to `write`, in groups, from a thread of its own.

    While one group is being written the next gathers, so nobody waits for a group to
    fill. `write` settles every future it is given, and never raises. `ended` is called
    by the thread when all is written.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Waiting[T]]], None],
        *,
        ended: Callable[[], None],
    ) -> None:
        self._write = write
        self._ended = ended
        self._changed = threading.Condition()
        self._waiting: deque[Waiting[T]] = deque()
        self._bytes = 0
        self._closing = False
        self._thread = threading.Thread(
            target=self._run, name="webhook committer", daemon=True
        )
        self._thread.start()

    def submit(
        self, what: T, *, size: int, waiting_max: int = WAITING_MAX
    ) -> "Future[None]":
        """Return what will be done when it is kept.

        Raises:
            NotKept: too much waits already, or nobody writes any more.

        """
        waiting = Waiting(what, size)
        with self._changed:
            if self._closing or not self._thread.is_alive():
                raise NotKept("the endpoint is closed")
            if len(self._waiting) >= waiting_max:
                raise NotKept("too many deliveries wait to be kept")
            if self._bytes + size > WAITING_BYTES_MAX:
                raise NotKept("too many bytes wait to be kept")
            self._waiting.append(waiting)
            self._bytes += size
            self._changed.notify()
        return waiting.outcome

    def close(self, *, wait_max_s: float = STOP_WAIT_MAX_S) -> None:
        """Refuse what comes from now on; return when all that waits is written.

        A store that is locked is not waited for longer than `wait_max_s`: nobody was
        told that what waits for it is kept.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(wait_max_s)

    def _run(self) -> None:
        while group := self._next():
            self._write(group)
        self._ended()

    def _next(self) -> list[Waiting[T]]:
        """Return what waits, as much as one commit takes; nothing at the end."""
        group: list[Waiting[T]] = []
        size = 0
        with self._changed:
            while not group:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    break
                while (
                    self._waiting and len(group) < GROUP_MAX and size < GROUP_BYTES_MAX
                ):
                    waiting = self._waiting.popleft()
                    self._bytes -= waiting.size
                    if waiting.outcome.set_running_or_notify_cancel():
                        group.append(waiting)
                        size += waiting.size
        return group
