"""The evidence pack: whole, checkable by its own manifest, and of what was asked."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator

import pytest

from reconcile.console.pages import pack
from tests.console.browser import Browser, Seen
from tests.console.ledgers import OTHER, ledger_console, ledger_in

CUT = f"state=break&customer={OTHER}"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a browser on a console over two customers."""
    where = ledger_in(tmp_path_factory.mktemp("packs"), number=pack.PACK_MAX // 2 + 1)
    with ledger_console(where) as app:
        yield Browser(app)


def files_in(desk: Browser, query: str) -> dict[str, bytes]:
    """Return the files of a pack by their names."""
    while (answer := desk.get(f"/audit/pack.zip?{query}")).status_code == 202:
        pass
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_pack_has_the_expenses_their_stories_and_all_bytes_that_these_name(
    desk: Browser,
) -> None:
    files = files_in(desk, CUT)
    manifest = json.loads(files["manifest.json"])
    table = files["expenses.csv"].decode("utf-8-sig")
    rows = [*csv.DictReader(io.StringIO(table, newline=""))]
    stories = json.loads(files["stories.json"])["stories"]
    named = {e["digest"].partition(":")[2] for s in stories for e in s["told"]} - {""}

    assert {row["company_id"] for row in rows} == {OTHER}
    ids = [row["transaction_id"] for row in rows]
    assert sorted(story["transaction_id"] for story in stories) == sorted(ids)
    assert {story["item"]["state"] for story in stories} == {"break"}
    assert named
    assert manifest["left_out"] == []
    assert {f"evidence/{digest}.txt" for digest in named} <= files.keys()
    for file in manifest["files"]:
        body = files[file["name"]]
        assert hashlib.sha256(body).hexdigest() == file["sha256"]
    assert manifest["filter"] == {"state": ["break"], "customer": [OTHER]}


def test_the_same_pack_has_the_same_bytes_of_a_past_moment_too(desk: Browser) -> None:
    query = f"{CUT}&as_of=2026-03-04T00:00:00Z"

    assert files_in(desk, query) == files_in(desk, query)


def test_a_pack_is_offered_where_there_can_be_one(desk: Browser) -> None:
    few = Seen(desk.get(f"/expenses?{CUT}").text)
    all_of_them = Seen(desk.get("/expenses").text)
    refused = desk.get("/audit/pack.zip")

    assert [link for link in few.links if "pack.zip" in link]
    assert not [link for link in all_of_them.links if "pack.zip" in link]
    assert refused.status_code == 400
    assert f"A pack is of 1 to {pack.PACK_MAX} expenses" in Seen(refused.text).text
