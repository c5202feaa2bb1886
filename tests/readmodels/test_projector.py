"""The projector reads what there is, and lets nobody keep it for ever."""

from pathlib import Path
from typing import Any, cast

import attrs
import pytest

from reconcile import Reconciler, read_lines
from reconcile.domain.policy import Policy
from reconcile.readmodels.projector import Projector
from reconcile.rules import BUILT_IN
from reconcile.storage.ports import Store
from tests.builders import create, uuid_of
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


@attrs.define
class BusyStore:
    """A store to which somebody writes whenever its events are read."""

    books: Reconciler
    writes: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.books.store, name)

    def views(self) -> Any:
        return self

    def begin_anew_unless(self, label: str) -> None:
        self.books.store.views().begin_anew_unless(label)

    def claim(self, *, until: int) -> Any:
        claimed = self.books.store.views().claim(until=until)
        if self.writes < 50:
            self.writes += 1
            another = create(uuid_of(self.writes), sync=f"sync-{self.writes}")
            self.books.ingest(read_lines([another]))
        return claimed


def test_one_that_writes_without_end_does_not_keep_the_projector(
    tmp_path: Path,
) -> None:
    with Reconciler.open(url_at(tmp_path / "books.db")) as books:
        books.ingest(read_lines([create(uuid_of(0), sync="sync-0")]))
        known = books.store.position()
        busy = BusyStore(books)
        projector = Projector(cast("Store", busy), policy=Policy(), rules=BUILT_IN)

        position = projector.catch_up()

        assert known <= position < books.store.position()
        assert busy.writes < 50
        assert books.tie_out().differences == []
