"""How a command that goes on until it is stopped hears that it is, and ends in time."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

GRACE_S: Final = 2.0  # for what was begun, before it is cut off
CUT_S: Final = 1.5  # for what was cut off, before the process is left as it is
_WAKE_S: Final = 0.1
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield an event that is set soon after SIGINT or SIGTERM.

    Python calls no handler while the main thread waits for the system, as for a name
    to be resolved. So the handler does nothing: the interpreter writes each signal into
    a socket at once, and a thread that reads it sets the event.
    """
    stop, over = threading.Event(), threading.Event()
    heard, written = socket.socketpair()
    heard.settimeout(_WAKE_S)
    written.setblocking(False)

    def watch() -> None:
        while not over.is_set():
            try:
                if any(number in _STOPPING for number in heard.recv(64)):
                    break
            except TimeoutError:
                continue
        stop.set()

    fd_before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _nothing) for number in _STOPPING}
    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        over.set()
        watcher.join()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(fd_before)
        heard.close()
        written.close()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Keep a signal from ending the process."""


@contextmanager
def ending(stop: threading.Event, cut: Callable[[], None]) -> Iterator[None]:
    """See to it that what runs in the `with` ends soon after `stop`.

    It has a while to end by itself; then `cut` is called; and what does not heed that,
    as a name that is never resolved, ends with the process. Nothing is lost by it:
    what is in the store stays, and what is not is read again.
    """
    over = threading.Event()

    def watch() -> None:
        while not stop.wait(_WAKE_S):
            if over.is_set():
                return
        if over.wait(GRACE_S):
            return
        cut()
        if not over.wait(CUT_S):
            os._exit(0)

    threading.Thread(target=watch, name="ending", daemon=True).start()
    try:
        yield
    finally:
        over.set()
