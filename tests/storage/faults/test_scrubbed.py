"""What is taken out of a PostgreSQL store is on its disk until a vacuum."""

from reconcile.storage.opening import open_store
from tests.builders import at
from tests.storage.faults.servers import OwnServer
from tests.storage.opened import begun, filled

_SECRET = "S3CR3T-that-stands-in-a-row"  # noqa: S105 - it is nobody's


def files_with(victim: OwnServer, text: str) -> int:
    """Return how many files of tables hold a text, all that was written being there."""
    victim.ask("CHECKPOINT")
    files = [path for path in (victim.data / "base").rglob("*") if path.is_file()]
    return sum(text.encode() in path.read_bytes() for path in files)


def test_what_was_taken_out_is_off_the_disk_after_the_sql_that_is_returned(
    victim: OwnServer,
) -> None:
    with victim.book() as url, open_store(url, create=True) as store:
        secret = filled(b"body", observed_at=at(0), url=f"/?key={_SECRET}")
        store.append([begun(1)], [secret], recorded_at=at(0))

        store.rewrite([filled(b"body", observed_at=at(0), url="/?key=")])
        vacuum = store.compact()

        assert files_with(victim, _SECRET) == 1
        victim.ask(vacuum)
        assert files_with(victim, _SECRET) == 0
        found = store.evidence(secret.identity)
        assert found is not None
        assert found.url == "/?key="
