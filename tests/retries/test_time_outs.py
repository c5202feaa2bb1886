"""A write that timed out is read again before it is sent again: it may be booked."""

from pathlib import Path

import pytest

from reconcile.retries.plan import LeftOutReason
from reconcile.sandbox import Sandbox, Settings
from reconcile.sandbox.scenarios import Scenario
from tests.live.office import follow
from tests.retries.desk import COMPANY, RetryOffice, id_of, reasons, retry_office

pytestmark = pytest.mark.usefixtures("engine")


TOLD_AS_FAILED = Settings(timed_out="PushError")  # at first; the row may turn


def time_out(desk: RetryOffice, *, written: bool) -> None:
    """Send an expense whose write times out."""
    quiet = desk.sandbox.faults.scenario
    share = 1.0 if written else 0.0
    desk.sandbox.faults.scenario = Scenario(
        name="time-outs", timed_out=1, timed_out_written=share
    )
    desk.create([1])
    desk.office.wait(minutes=5)
    desk.sandbox.faults.scenario = quiet


@pytest.mark.parametrize("written", [True, False])
def test_what_is_called_failed_by_a_time_out_is_sent_after_another_read_alone(
    tmp_path: Path, written: bool
) -> None:
    with retry_office(tmp_path, Sandbox(settings=TOLD_AS_FAILED)) as desk:
        time_out(desk, written=written)
        desk.office.read()
        desk.office.wait(hours=2)
        assert desk.states() == {id_of(1): "break"}

        unread = desk.plan()
        desk.office.read()
        read = desk.plan()
        if read.lines:
            desk.run_to_end(read)

        assert not unread.lines
        assert reasons(unread) == {id_of(1): LeftOutReason.WAITS}
        assert [row.until for row in unread.left_out] == [None]  # nobody knows
        assert bool(read.lines) is not written
        assert desk.booked() == {id_of(1): 1}
        assert desk.calls() == 1 + (not written)


def test_a_follower_reads_a_time_out_again_and_then_no_more(tmp_path: Path) -> None:
    with retry_office(tmp_path, Sandbox(settings=TOLD_AS_FAILED)) as desk:
        time_out(desk, written=False)
        follower = desk.office.books.follower(desk.office.client, holder="tests")

        follow(desk.office, follower, hours=1)
        plan = desk.plan()
        asked = [url for url in desk.line.asked if "/transactions" in url]
        follow(desk.office, follower, hours=24)

        assert [line.transactions for line in plan.lines] == [(id_of(1),)]
        assert 2 <= len(asked) <= 4
        assert [url for url in desk.line.asked if "/transactions" in url] == asked


def test_a_time_out_that_a_webhook_alone_tells_of_is_read_before_it_is_sent(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path, Sandbox(settings=TOLD_AS_FAILED)) as desk:
        desk.sandbox.webhooks.subscribe_callable(
            desk.office.heard, generation="current", company_id=COMPANY
        )
        time_out(desk, written=True)
        desk.office.wait(hours=2)
        assert desk.states() == {id_of(1): "break"}

        assert not desk.plan().lines
        desk.office.read()
        assert desk.states() == {id_of(1): "cleared"}


def test_a_time_out_after_what_somebody_has_mended_is_read_again_too(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path, Sandbox(settings=TOLD_AS_FAILED)) as desk:
        follower = desk.office.books.follower(desk.office.client, holder="tests")
        desk.lock()
        desk.create([1])
        follow(desk.office, follower, hours=1)
        desk.unlock()
        desk.mend("period_locked")
        time_out(desk, written=False)
        follow(desk.office, follower, hours=2)

        plan = desk.plan()

        assert [line.transactions for line in plan.lines] == [(id_of(1),)]
