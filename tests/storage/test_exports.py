"""An export is whole or not there, is what the history was, and cannot be changed."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile import Export, Reconciler, UsageError, read_lines
from reconcile.storage.exports import write
from reconcile.storage.exports.manifest import NAME, ExportManifest
from reconcile.storage.exports.read import ExportedEvents
from reconcile.storage.sources import EventSource, StoreEvents
from tests.builders import at, create, page, row, status

pytest.importorskip("pyarrow")
COMPANIES = ("a", "b b", "ç", "d")


@pytest.fixture
def books(tmp_path: Path) -> Reconciler:
    """Return a store of four companies, quarantine, and an event that is damaged."""
    path = tmp_path / "books.db"
    clock = iter(range(1000))
    with Reconciler.open(f"sqlite:///{path}", now=lambda: at(next(clock))) as opened:
        for company in COMPANIES:
            for sync in ("x", "y"):
                lines = [
                    create("t", company=company, sync=sync),
                    status(2000, company=company, sync=sync, minutes=1),
                    page(row("t"), company=company, sync=sync, minutes=2),
                ]
                opened.ingest(read_lines(lines))
        opened.ingest(read_lines([b"garbage"]))
    with sqlite3.connect(path) as db:
        db.execute(
            "INSERT INTO stored_events VALUES (NULL, 'sync:a:z', 1, 'sync.odd', ?, -7)",
            (b"\xff\x00",),
        )
    db.close()
    return Reconciler.open(f"sqlite:///{path}")


def everything(source: EventSource, *, until: int) -> list[object]:
    return [
        (company, [*source.events_of(company, until=until)])
        for company in source.companies()
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("file_bytes", [1, 2000, 10**9])
def test_an_export_holds_every_event_as_it_is_stored(
    books: Reconciler, tmp_path: Path, file_bytes: int
) -> None:
    folder = tmp_path / "out"
    manifest = write.export_to(books.store, folder, file_bytes=file_bytes)
    last = books.store.position()

    with ExportedEvents.open(folder) as exported:
        for until in (last, last // 2, 0):
            stored = everything(StoreEvents(books.store), until=until)
            assert everything(exported, until=until) == stored
        assert [*exported.events_of("nobody", until=last)] == []
        assert [*exported.events_of("zz", until=last)] == []
        for minutes in range(-2, 12):
            known_at = at(minutes)
            position = books.store.position(known_at=known_at)
            assert exported.position(known_at=known_at) == position
    assert (manifest.position, manifest.events) == (last, last)
    assert manifest.companies == len(COMPANIES)
    assert len(manifest.files) == {1: 5, 2000: 4, 10**9: 1}[file_bytes]


def test_small_row_groups_hold_the_same(
    books: Reconciler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_GROUP_EVENTS", 3)
    books.export(tmp_path / "out")
    last = books.store.position()

    with ExportedEvents.open(tmp_path / "out") as exported:
        stored = everything(StoreEvents(books.store), until=last)
        assert everything(exported, until=last) == stored


def test_an_empty_store_has_an_export_too(tmp_path: Path) -> None:
    with Reconciler.open(f"sqlite:///{tmp_path / 'new.db'}") as books:
        books.export(tmp_path / "out")

        with Export.open(tmp_path / "out", now=lambda: at(0)) as export:
            assert export.position == 0
            assert export.report().totals.items == 0


def test_an_export_takes_the_place_of_an_older_one(
    books: Reconciler, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    write.export_to(books.store, folder, file_bytes=1)
    books.ingest(read_lines([status(2000, company="e", minutes=9)]))

    manifest = books.export(folder)

    assert {*files(folder)} == {NAME, "events-00000.parquet"}
    assert manifest.position == books.store.position()
    assert {path.name for path in tmp_path.iterdir()} >= {"out", "books.db"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_two_exports_of_one_history_are_the_same_bytes(
    books: Reconciler, tmp_path: Path
) -> None:
    books.export(tmp_path / "one")
    books.export(tmp_path / "two")

    assert files(tmp_path / "one") == files(tmp_path / "two")


def with_a_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def without_manifest(folder: Path) -> None:
    (folder / NAME).unlink()


def without_a_file(folder: Path) -> None:
    (folder / "events-00000.parquet").unlink()


def of_a_later_version(folder: Path) -> None:
    (folder / NAME).write_text('{"schema": "reconcile.export/9"}')


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (with_a_file, "holds 'notes.txt' too"),
        (without_manifest, "has no _manifest.json"),
        (without_a_file, "No such file"),
        (of_a_later_version, "'reconcile.export/9'"),
    ],
)
def test_a_folder_of_anything_else_is_refused_and_untouched(
    spoil: Callable[[Path], None], why: str, books: Reconciler, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    books.export(folder)
    spoil(folder)
    before = files(folder)

    with pytest.raises(UsageError, match=why):
        books.export(folder)

    assert files(folder) == before


def test_a_folder_that_cannot_be_made_is_refused(
    books: Reconciler, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    for folder in (tmp_path / "file", tmp_path / "file" / "in", tmp_path / "no" / "in"):
        with pytest.raises(UsageError, match=r"^DIR: "):
            books.export(folder)
    with pytest.raises(UsageError, match=r"^DIR: "):
        books.export("a\0b")


def changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (changed, "was changed: its SHA-256"),
        (cut, "was changed: it has"),
        (Path.unlink, "expected a file of the export"),
    ],
)
def test_a_file_that_is_not_what_was_exported_is_refused(
    spoil: Callable[[Path], None], why: str, books: Reconciler, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    books.export(folder)
    with Export.open(folder) as export:
        export.report(as_of=at(9))  # whoever read it before looks again

    spoil(folder / "events-00000.parquet")

    with pytest.raises(UsageError, match=why), Export.open(folder) as export:
        export.report(as_of=at(9))


def test_a_file_that_was_put_there_with_its_digest_is_refused_by_its_columns(
    books: Reconciler, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = tmp_path / "out"
    books.export(folder)
    path = folder / "events-00000.parquet"
    for content, why in ((b"PAR1", "not a Parquet file"), (b"", "other columns")):
        if content:
            path.write_bytes(content)
        else:
            parquet.write_table(pa.table({"a": [1]}), path)
        data = json.loads((folder / NAME).read_text())
        data["files"][0]["bytes"] = path.stat().st_size
        data["files"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / NAME).write_text(json.dumps(data))

        with pytest.raises(UsageError, match=why), Export.open(folder) as export:
            export.report(as_of=at(9))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "reconcile.export/1"}', "\ud800", "[" * 10_000],
    ids=["empty", "array", "no-schema", "no-more", "no-text", "deep"],
)
def test_a_manifest_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(UsageError, match=NAME):
        ExportManifest.read(tmp_path)


def test_a_manifest_names_no_file_elsewhere(books: Reconciler, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    books.export(folder)
    content = (folder / NAME).read_text()
    (folder / NAME).write_text(content.replace("events-00000", "../events-00000"))

    with pytest.raises(UsageError, match="expected a name of a file"):
        Export.open(folder)


def test_an_export_that_was_made_anew_meanwhile_is_refused(
    books: Reconciler, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    digest = books.export(folder).digest
    books.ingest(read_lines([status(2000, company="e", minutes=9)]))
    books.export(folder)

    with pytest.raises(UsageError, match="exported anew"):
        ExportedEvents.open(folder, digest=digest)


_KILLED = """
import os, signal, sys
from pathlib import Path
from reconcile import Reconciler

def progress(done):
    if done == 9:
        os.kill(os.getpid(), signal.SIGKILL)

with Reconciler.open(sys.argv[1]) as books:
    books.export(sys.argv[2], progress=progress)
"""


@pytest.mark.parametrize("is_there", [False, True])
def test_an_export_that_is_killed_leaves_what_was_there(
    books: Reconciler, tmp_path: Path, is_there: bool
) -> None:
    folder = tmp_path / "out"
    before = None
    if is_there:
        books.export(folder)
        before = files(folder)

    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, f"sqlite:///{books.store.path}", str(folder)],
        check=False,
        timeout=60,
    )

    assert ended.returncode == -signal.SIGKILL
    assert (files(folder) if folder.exists() else None) == before
    with pytest.raises(UsageError), Export.open(tmp_path):
        pass
    books.export(folder)  # what is left beside does not hinder
    assert Export.open(folder).position == books.store.position()


def test_an_export_that_fails_leaves_nothing(books: Reconciler, tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left"):
        books.export(tmp_path / "out", progress=fail)

    assert not (tmp_path / "out").exists()
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_is_its_owners_alone(books: Reconciler, tmp_path: Path) -> None:
    books.export(tmp_path / "out")

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_an_export_by_way_of_a_link_is_where_the_link_points(
    books: Reconciler, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    books.export(tmp_path / "link")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / NAME).is_file()
    assert os.listdir(tmp_path / "link")
