"""Files of captures: known by their content, whole or told, bodies beside them read."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from reconcile import Reconciler
from reconcile.errors import UsageError
from reconcile.intake.files import read_file, read_stream
from tests.builders import har
from tests.stories.test_bad_input import data_of, states
from tests.stories.test_captures import WHOLE, altered, answer_of

DOCUMENT = har(WHOLE)
INDENTED = json.dumps(json.loads(DOCUMENT), indent=2).encode()
LINES = b"\n".join(WHOLE)


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("_dot_", ".")), content)
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        DOCUMENT,
        INDENTED,
        LINES,
        b"\xef\xbb\xbf" + INDENTED,
        b"\n\n" + LINES,
        LINES.decode().encode("utf-16"),
        INDENTED.decode().encode("utf-16"),
        INDENTED.decode().encode("utf-16-le"),
        gzip.compress(INDENTED, mtime=0),
        gzip.compress(LINES, mtime=0),
        zipped(trace_dot_har=DOCUMENT),
        DOCUMENT + b"\n" + DOCUMENT,
        DOCUMENT + b"\n" + LINES,
        b"\n" + DOCUMENT + b"\r\n" + DOCUMENT,
    ],
)
def test_a_capture_is_told_by_its_content(books: Reconciler, content: bytes) -> None:
    intake = books.ingest(read_stream(io.BytesIO(content), name="a"))

    assert intake.unread == []
    assert intake.read == 3
    assert states(data_of(books)) == {"t1": "matched"}


def test_one_bad_line_costs_that_line_alone(books: Reconciler) -> None:
    content = b"2026-03-02 INFO started\n" + LINES + b"\nrubbish"

    intake = books.ingest(read_stream(io.BytesIO(content), name="a"))

    assert (intake.read, intake.quarantined) == (3, 2)


def attached(line: bytes, name: str) -> tuple[bytes, bytes]:
    """Return an entry whose answer's body stands in a file, and that body."""
    content = {"_file": name, "size": 9, "mimeType": "application/json"}
    return altered(line, response={"content": content}), answer_of(line)


def test_bodies_in_files_beside_the_document_are_read(
    books: Reconciler, tmp_path: Path
) -> None:
    bodies = [attached(line, f"{number}.json") for number, line in enumerate(WHOLE)]
    (tmp_path / "a.har").write_bytes(har(line for line, _ in bodies))
    for number, (_, body) in enumerate(bodies):
        (tmp_path / f"{number}.json").write_bytes(body)

    books.ingest(read_file(tmp_path / "a.har"))

    assert states(data_of(books)) == {"t1": "matched"}


def test_bodies_in_the_zip_of_the_document_are_read(books: Reconciler) -> None:
    bodies = [attached(line, f"b{number}.json") for number, line in enumerate(WHOLE)]
    members = {f"b{number}_dot_json": body for number, (_, body) in enumerate(bodies)}
    archive = zipped(har_dot_har=har(line for line, _ in bodies), **members)

    books.ingest(read_stream(io.BytesIO(archive), name="a.zip"))

    assert states(data_of(books)) == {"t1": "matched"}


@pytest.mark.parametrize("name", ["gone.json", "../secret.json", "/etc/hosts", "a\0b"])
def test_a_body_in_a_file_that_is_not_beside_is_told_by_its_name(
    books: Reconciler, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    (tmp_path / "secret.json").write_bytes(answer_of(WHOLE[2]))
    (folder / "a.har").write_bytes(har([attached(WHOLE[2], name)[0]]))

    (unread,) = books.ingest(read_file(folder / "a.har")).unread

    assert "(`_file`)" in unread.reason
    assert "content: 'embed'" in unread.reason


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a is empty, expected a HAR document"),
        (b" \n\n", "a is empty"),
        (b"<!DOCTYPE html><html>Sign in</html>", "a is a web page or XML"),
        (b"%PDF-1.7 ...", "a is a PDF"),
        (b"\x89PNG\r\n\x1a\n\x00", "a holds no captured traffic"),
        (b'{"openapi": "3.0"}', "a holds no captured traffic"),
        (b'[{"id": 1}]', "a holds no captured traffic"),
        (b'{\n  "log": {}\n}', "a is not a HAR document"),
        (b"id,amount\n1,2\n", "a holds no captured traffic"),
        (zipped(sheet_dot_xml=b"<a/>"), "a is a zip without a .har in it"),
        (zipped(a_dot_har=b"")[:40], "a cannot be unpacked"),
        (gzip.compress(DOCUMENT, mtime=0)[:12], "a cannot be unpacked"),
        (gzip.compress(b"", mtime=0), "a is empty"),
    ],
)
def test_what_is_no_capture_is_one_sentence_and_nothing_is_stored(
    books: Reconciler, content: bytes, sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        books.ingest(read_stream(io.BytesIO(content), name="a"))

    assert sentence in str(refused.value)
    assert books.store.position() == 0
