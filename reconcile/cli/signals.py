"""How a command that goes on until it is stopped hears that it is."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_WAKE_S = 0.1


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield an event that is set soon after SIGINT or SIGTERM.

    The handler only notes the signal: one may interrupt another, and `Event.set` would
    then wait for itself. A thread sets the event.
    """
    heard: list[int] = []
    stop, over = threading.Event(), threading.Event()

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    def watch() -> None:
        while not (heard or over.is_set()):
            over.wait(_WAKE_S)
        stop.set()

    before = {
        number: signal.signal(number, hear)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        over.set()
        watcher.join()
        for number, handler in before.items():
            signal.signal(number, handler)
