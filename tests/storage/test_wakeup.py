"""Announcing appends: whoever closes a store never waits for ever."""

import threading
import time
from typing import Any

from reconcile.storage.opening import open_store
from reconcile.storage.postgres.store import PostgresStore
from reconcile.storage.postgres.wakeup import Announcer
from tests.engines import POSTGRES, new_store


class Late(threading.Event):
    """An event that is set right after somebody has waited for it in vain."""

    def __init__(self, close: Any) -> None:
        super().__init__()
        self._close = close
        self.closing: threading.Thread | None = None

    def wait(self, timeout: float | None = None) -> bool:
        if self.closing is not None:
            return super().wait(timeout)
        self.closing = threading.Thread(target=self._close)
        self.closing.start()
        assert super().wait(10)
        return False


def test_closing_while_an_append_is_announced_comes_to_its_end() -> None:
    with new_store(POSTGRES) as url, open_store(url, create=False) as store:
        assert isinstance(store, PostgresStore)
        announcer = Announcer(store._database)
        late = announcer._over = Late(announcer.close)

        announcer.announce()
        announcer.announce()
        while late.closing is None:
            time.sleep(0.01)
        late.closing.join(10)

        assert not late.closing.is_alive()
