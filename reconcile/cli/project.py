"""The command that keeps the live views up to date, in as many processes as asked."""

import multiprocessing
import threading
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import Final

import click

from reconcile.cli.log import tell_log
from reconcile.cli.opening import opened, rules_from
from reconcile.cli.signals import stopping
from reconcile.cli.status import RULES
from reconcile.cli.terminal import counted, say
from reconcile.errors import StoreError
from reconcile.quiet import logger
from reconcile.reconciler import Reconciler
from reconcile.rules import BUILT_IN

WORKERS_MAX: Final = 16
"""So many shares of companies there are: more workers would find nothing to do."""
_LOOK_S: Final = 0.5
_AGAIN_S: Final = 2.0
_END_S: Final = 20.0
_LOG: Final = logger("projector")


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    default=1,
    show_default=True,
    help="So many processes.",
)
@click.option("--once", is_flag=True, help="Project what there is, and end.")
@click.pass_obj
def project(store: str, *, workers: int, once: bool) -> int:
    """Keep the live views up to date.

    Whoever reads them brings them up to date first; this does it ahead of them, so
    that nobody waits. In a PostgreSQL store several workers, on any machines, share the
    companies; one that dies leaves its share to the others. A SQLite store is written
    by one at a time.
    """
    tell_log()
    with opened(store, create=False) as books:
        position = books.catch_up()
        if once:
            say(f"The views are up to date, at position {position}.")
            return 0
    rules = click.get_current_context().meta.get(RULES)
    with stopping() as stop:
        many = counted(workers, "worker", "workers")
        say(f"Projecting with {many}; stop it with Ctrl-C.")
        if workers == 1:
            _keep_up(store, rules, stop)
        else:
            _oversee(store, rules, workers, stop)
    return 0


def _keep_up(store: str, rules: str | None, stop: threading.Event) -> None:
    chosen = BUILT_IN if rules is None else rules_from(rules)
    with Reconciler.open(store, create=False, rules=chosen) as books:
        books.keep_up(stop)


def _work(store: str, rules: str | None) -> None:
    """Work as one process of several, until it is told to end.

    One that is started while the server is away waits for it, as the others do.
    """
    tell_log()
    with stopping() as stop:
        is_logged = False
        while not stop.is_set():
            try:
                _keep_up(store, rules, stop)
            except StoreError as error:
                if not is_logged:
                    _LOG.error("not projected: %s", error)
                is_logged = True
                stop.wait(_AGAIN_S)


def _oversee(
    store: str, rules: str | None, workers: int, stop: threading.Event
) -> None:
    """Keep so many processes at work, and end them with this one."""
    context = multiprocessing.get_context("spawn")
    running: list[BaseProcess] = []
    while not stop.is_set():
        for ended in [each for each in running if not each.is_alive()]:
            _LOG.warning("worker %s ended by itself (%s)", ended.pid, ended.exitcode)
            running.remove(ended)
        while len(running) < workers:
            worker = context.Process(target=_work, args=(store, rules), daemon=True)
            worker.start()
            running.append(worker)
        stop.wait(_LOOK_S)
    _end(running)


def _end(running: Sequence[BaseProcess]) -> None:
    for worker in running:
        worker.terminate()
    for worker in running:
        worker.join(_END_S)
        if worker.is_alive():
            worker.kill()
