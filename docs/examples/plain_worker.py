"""A plain worker: follows every sync, and tells its log what broke.

python plain_worker.py

SIGTERM or Ctrl-C ends it; work begun is ended first.
"""

import json
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import office

from reconcile import Reconciler

TELL_EVERY_S = float(os.environ.get("WORKER_TELL_EVERY_S", "60"))
ENDS = {signal.SIGINT, signal.SIGTERM}
LOG = logging.getLogger("worker")


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # waited for below, and nowhere else
    tell()
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        following = pool.submit(follow, stop)
        try:
            while not following.done():
                if signal.sigtimedwait(ENDS, TELL_EVERY_S):
                    break
                tell()
        finally:
            stop.set()
    following.result()  # raises what ended it, so that a supervisor starts it anew


def follow(stop: threading.Event) -> None:
    """Read every sync to its end, and look for requests whose answers were lost."""
    with office.opened() as (books, client):
        books.follower(client, holder=office.holder()).run(stop)


def tell() -> None:
    """Log how things stand: ids and our own words, nothing from an expense."""
    with Reconciler.open(office.STORE) as books:  # the other is the follower's
        report = books.report()
    totals = report.totals
    standing = {"expenses": totals.items, "open": totals.open, "breaks": totals.broken}
    LOG.info("standing", extra={**standing, "unread": report.unprocessed})
    for company_id, expense_id, item in report.items:
        if item.state == "break":
            names = {"company": company_id, "expense": expense_id}
            words = {"kind": item.kind, "owner": item.owner, "verdict": item.verdict}
            LOG.warning("break", extra={**names, **words})


class JsonLines(logging.Formatter):
    """One JSON object a line, with the fields that a log record carries."""

    usual = frozenset(vars(logging.makeLogRecord({})))

    def format(self, record: logging.LogRecord) -> str:
        fields = {k: v for k, v in vars(record).items() if k not in self.usual}
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
        }
        return json.dumps({**line, **fields}, default=str)


if __name__ == "__main__":
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("reconcile").setLevel(logging.DEBUG)  # every call to Codat
    logging.getLogger("httpx").setLevel(logging.WARNING)  # would tell of each again
    main()
