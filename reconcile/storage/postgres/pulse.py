"""Whether the server answers, asked for no longer than a load balancer waits."""

import threading
from concurrent.futures import Future
from typing import Final

from reconcile.errors import StoreError, StoreLostError
from reconcile.storage.postgres.database import PostgresDatabase

ANSWER_S: Final = 1.5
"""So long an answer is waited for: load balancers give up after 2 to 5 s."""


class Pulse:
    """Asks the server in a thread of its own, once for all who want to know."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._asked: Future[str | None] | None = None

    def lost(self) -> str | None:
        """Return why the server cannot be reached, None where it can."""
        with self._lock:
            asked = self._asked
            if asked is None or asked.done():
                asked = self._asked = Future()
                threading.Thread(
                    target=self._ask, args=(asked,), name="reconcile-pulse", daemon=True
                ).start()
        try:
            return asked.result(ANSWER_S)
        except TimeoutError:
            silent = f"the server has not answered within {ANSWER_S} s"
            return self._database.failure() or silent

    def _ask(self, asked: "Future[str | None]") -> None:
        why: str | None = None
        try:
            self._database.first("SELECT last FROM $.book")
        except StoreLostError as error:
            why = error.why
        except StoreError:
            pass  # it has answered
        except BaseException as error:
            asked.set_exception(error)
            raise
        asked.set_result(why)
