"""What stands before the entries of a document: read once, and in no more memory."""

import time
import tracemalloc

from reconcile.codat.exchange import Exchange
from reconcile.codat.har import read_document
from tests.builders import har, status


def test_a_long_string_before_the_entries_takes_no_more_than_its_size() -> None:
    size = 2 * 2**20
    comment = b'{"log":{"comment":"' + b"a" * size + b'",'
    document = har([status(2000)]).replace(b'{"log":{', comment)
    tracemalloc.start()
    read = list(read_document(document))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [type(item) for item in read] == [Exchange]
    assert most < 20 * size  # it was 120 times


def test_strings_before_the_entries_that_never_end_hold_up_nothing() -> None:
    quotes = b'{"log":{"comment":' + b'"\\' * 50_000
    document = quotes + har([status(2000)]).removeprefix(b'{"log":{"version":"1.2",')
    began = time.process_time()

    read = list(read_document(document))

    assert [type(item) for item in read] == [Exchange]
    assert time.process_time() - began < 3.0  # it was 20
