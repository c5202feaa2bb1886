"""The primary is gone, and its standby is promoted: the same open store goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from reconcile import Reconciler, read_lines
from reconcile.storage.opening import migrate
from tests.builders import push, uuid_of
from tests.storage.faults.servers import OwnServer, own_server, short_folder
from tests.storage.faults.test_killed import Writer, keeping_up, until


@contextmanager
def standby_of(primary: OwnServer) -> Iterator[OwnServer]:
    """Give a standby that has all that its primary acknowledges from now on."""
    with short_folder() as folder:
        standby = OwnServer(folder / "b")
        standby.copy_of(primary)
        standby.start()
        try:
            primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.ask("SELECT pg_reload_conf()")
            until(lambda: is_synchronous(primary))
            yield standby
        finally:
            standby.stop()


def is_synchronous(primary: OwnServer) -> bool:
    states = primary.ask("SELECT sync_state FROM pg_stat_replication")
    return states == [("sync",)]


def test_nothing_acknowledged_is_lost_when_the_standby_takes_over() -> None:
    with own_server() as primary, standby_of(primary) as standby:
        hosts = f"host={primary.folder},{standby.folder}"
        ports = f"port={primary.port},{standby.port}"
        url = (
            f"postgresql://postgres@/postgres?{hosts}&{ports}"
            "&target_session_attrs=read-write&connect_timeout=2&schema=both"
        )
        migrate(url)
        with keeping_up(url) as books:
            books.ingest(read_lines([push(uuid_of(1), company="c1")]))
            with Writer(url, "a") as writer:
                until(lambda: len(writer.acknowledged) > 30)
                primary.stop("immediate")
                stopped = time.monotonic()
                standby.command("pg_ctl", "-w", "-D", str(standby.data), "promote")
                before = len(writer.acknowledged)
                until(lambda: len(writer.acknowledged) > before + 30)
                away = time.monotonic() - stopped
            books.ingest(read_lines([push(uuid_of(2), company="c2")]))
            position = books.store.position()
            until(lambda: views_stand_at(books) == position)

            stored = [e.stream for e in books.store.stored_at(range(1, position + 1))]
            books.store.check()
            assert writer.refused == []
            assert {*writer.acknowledged} <= {*stored}
            assert len(stored) == len(set(stored))
            assert books.tie_out().differences == []
        assert away < 10.0
        assert standby.ask("SELECT pg_is_in_recovery()") == [(False,)]


def views_stand_at(books: Reconciler) -> int:
    with books.store.reading() as views:
        return views.position()
