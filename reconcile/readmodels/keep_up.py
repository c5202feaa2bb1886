"""Keeps the live views up to date until told to stop, whatever becomes of the store."""

import threading
from typing import Final

from reconcile.errors import StoreError, StoreLostError
from reconcile.quiet import logger
from reconcile.readmodels.projector import Projector
from reconcile.storage.ports import Store

WAIT_S: Final = 1.0
"""How long news is waited for before the store is looked at again."""
_FIRST_WAIT_S: Final = 0.2
_WAIT_MAX_S: Final = 5.0
_LOG: Final = logger("projector")


def keep_up(projector: Projector, store: Store, stop: threading.Event) -> None:
    """Project what comes, as soon as it comes, until `stop` is set.

    A store that cannot be used, as while its server is started anew, is tried again.
    """
    failed = 0
    while not stop.is_set():
        try:
            position = projector.catch_up()
            if failed:
                _LOG.warning("the store %s is back", store.path)
            failed = 0
            store.wait_for_news(position, timeout_s=WAIT_S)
        except StoreError as error:
            if not failed or not isinstance(error, StoreLostError):
                _LOG.error("not projected: %s", error)
            stop.wait(min(_FIRST_WAIT_S * 2**failed, _WAIT_MAX_S))
            failed = min(failed + 1, 10)
