"""The thread that writes for everybody, without a store."""

import threading
from collections.abc import Sequence

import pytest

from reconcile.endpoint.commit import (
    GROUP_MAX,
    WAITING_BYTES_MAX,
    Committer,
    NotKept,
    Waiting,
)


class Writer:
    """Keeps groups once it is let."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.let = threading.Event()
        self.began = threading.Event()
        self.ended = threading.Event()

    def write(self, group: Sequence[Waiting[int]]) -> None:
        self.began.set()
        assert self.let.wait(10)
        self.groups.append([item.what for item in group])
        for entry in group:
            entry.outcome.set_result(None)


def writer_and_committer() -> tuple[Writer, Committer[int]]:
    writer = Writer()
    committer: Committer[int] = Committer(writer.write, ended=writer.ended.set)
    committer.submit(0, size=1)
    assert writer.began.wait(10)
    return writer, committer


def test_too_much_that_waits_is_refused_by_number_and_by_size() -> None:
    writer, committer = writer_and_committer()
    committer.submit(1, size=1)

    with pytest.raises(NotKept, match="too many deliveries"):
        committer.submit(2, size=1, waiting_max=1)
    with pytest.raises(NotKept, match="too many bytes"):
        committer.submit(3, size=WAITING_BYTES_MAX)

    writer.let.set()
    committer.close()
    assert writer.groups == [[0], [1]]


def test_what_gathers_while_one_group_is_written_is_the_next() -> None:
    writer, committer = writer_and_committer()
    futures = [committer.submit(n, size=1) for n in range(1, GROUP_MAX + 3)]

    writer.let.set()
    for future in futures:
        future.result(10)
    committer.close()

    assert [len(group) for group in writer.groups] == [1, GROUP_MAX, 2]


def test_what_nobody_waits_for_any_more_is_not_written() -> None:
    writer, committer = writer_and_committer()
    assert committer.submit(1, size=1).cancel()
    committer.submit(2, size=1)

    writer.let.set()
    committer.close()

    assert writer.groups == [[0], [2]]


def test_closing_writes_what_waits_and_refuses_the_rest() -> None:
    writer, committer = writer_and_committer()
    last = committer.submit(1, size=1)
    writer.let.set()

    committer.close()

    assert last.done()
    assert writer.ended.is_set()
    with pytest.raises(NotKept, match="closed"):
        committer.submit(2, size=1)


def test_closing_does_not_wait_for_ever() -> None:
    writer, committer = writer_and_committer()

    committer.close(wait_max_s=0.05)

    assert not writer.ended.is_set()
    writer.let.set()
    assert writer.ended.wait(10)
