"""The soak itself: it holds over some seconds, and what must not be is reported."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from reconcile.sandbox import Call, Sandbox, Settings
from reconcile.sandbox.sandbox import HAPPY
from tests.endpoint.deliveries import endpoint, signed, webhook
from tests.sandbox.calls import create_expenses, wait
from tests.soak.__main__ import print_outcome, run_plan, soak_command
from tests.soak.account import WatchedSandbox, drawn_expense
from tests.soak.asking import Asker
from tests.soak.daemons import Daemon
from tests.soak.evidence import facts_beside, lost_from
from tests.soak.memory import BEGIN_S, JUDGED_FROM_S, Sample, thirds
from tests.soak.plan import Plan
from tests.soak.registry import Registry
from tests.soak.soak import prepared
from tests.soak.truth import untruths

QUICK = Plan(
    load_s=2.5,
    rate=40.0,
    companies=2,
    scenario=HAPPY,
    settings=Settings(queue_s=0.1, prepare_s=0.1, push_s=0.02),
    kill_every_s=(0.8, 0.9),
    down_s=(0.1, 0.2),
    kills_follow=False,
    second_every_s=(60.0, 60.0),
    push_every_s=(0.2, 0.4),
    expenses_max=2,
    tell_every_s=1.0,
)


def test_a_soak_of_seconds_holds_and_says_what_it_did(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = run_plan(QUICK)

    shown = capsys.readouterr().out
    assert status == 0, shown
    figures = dict(
        line.strip().split("  ", 1) for line in shown.splitlines() if "   " in line
    )
    assert int(figures["deliveries acknowledged"].split(",")[0]) > 0
    assert figures["lost"].strip() == "0"
    assert int(figures["serve"].split()[0]) > 1
    assert "Seed 0: 0 did not hold." in shown


def test_a_lost_delivery_is_told_and_fails_the_soak(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with prepared(QUICK, tmp_path) as run:
        identity = run.registry.offer("msg_1", b"{}")
        run.registry.note(identity, 204)
        run.look_for_news()

    assert print_outcome(run) == 1
    line = f"delivery {identity.hex()} was acknowledged, and is not in books.db"
    assert line in capsys.readouterr().out


def stored(folder: Path) -> tuple[Path, Registry, bytes]:
    """Return a store with one delivery that was acknowledged, and its identity."""
    registry, body = Registry(), webhook()
    identity = registry.offer("msg_1", body)
    with endpoint(folder) as hooks:
        answer = hooks.receive(signed(body), body)
    registry.note(identity, answer.status)
    return folder / "books.db", registry, identity


def change(store: Path, statement: str) -> None:
    with closing(sqlite3.connect(store)) as db, db:
        db.execute(statement)


def test_a_delivery_is_found_by_the_identity_it_has_in_the_store(
    tmp_path: Path,
) -> None:
    store, registry, identity = stored(tmp_path)

    assert registry.acknowledged() == [identity]
    assert [*lost_from(store, [identity])] == []
    assert [*facts_beside(store, registry.offered())] == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM evidence", "is not in books.db"),
        ("DELETE FROM bodies", "is not in books.db"),
        ("UPDATE bodies SET content = x'789c030000000001'", "is another by now"),
    ],
)
def test_a_delivery_that_went_or_changed_is_lost(
    tmp_path: Path, statement: str, words: str
) -> None:
    store, _, identity = stored(tmp_path)
    change(store, statement)

    (line,) = lost_from(store, [identity])

    assert words in line


def test_a_fact_that_nobody_delivered_or_that_is_there_twice_is_told(
    tmp_path: Path,
) -> None:
    store, registry, _ = stored(tmp_path)
    columns = "identity, kind, method, url, status, headers, recorded_at"
    again = f"INSERT INTO evidence ({columns}) SELECT {columns} FROM evidence"
    change(store, again)

    (twice,) = facts_beside(store, registry.offered())
    strange = [*facts_beside(store, ())]

    assert "2 times" in twice
    assert "nobody made it" in strange[0]


def test_what_the_books_hold_and_no_report_has_is_told(tmp_path: Path) -> None:
    store, *_ = stored(tmp_path)
    sandbox = Sandbox()
    create_expenses(sandbox, "t1")
    wait(sandbox)

    found = [*untruths(store, sandbox, [])]

    assert "t1 is in the books, and is called None" in found


def test_a_write_that_nobody_announced_is_seen(tmp_path: Path) -> None:
    store, *_ = stored(tmp_path)
    sandbox = WatchedSandbox(QUICK, store)
    company_id = sandbox.company().company_id
    path = f"/companies/{company_id}/sync/expenses/expense-transactions"

    sandbox.handle(Call(method="POST", path=path, body=b"[]"))

    assert len(sandbox.unannounced) == 1


def test_what_a_command_may_not_end_with_is_told(tmp_path: Path) -> None:
    asker = Asker(folder=tmp_path, environment={})

    asker.report(store=tmp_path / "absent.db")

    assert [line.partition(":")[0] for line in asker.wrongs] == ["report ended with 2"]


def test_a_process_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    daemon = Daemon(
        name="follow", arguments=("follow",), folder=tmp_path, environment={}
    )
    daemon.start()
    daemon.runs[0].process.wait()  # it has no key

    daemon.look()
    daemon.look()

    assert daemon.wrongs == ["follow ended by itself with 2"]


def samples(
    seconds: float, *, rss: float = 0.0, descriptors: float = 0.0
) -> list[Sample]:
    """Return a run that grows by so much a second."""
    return [
        Sample(float(at), 50 + rss * at, int(20 + descriptors * at))
        for at in range(int(BEGIN_S + seconds) + 1)
    ]


@pytest.mark.parametrize(
    ("grown", "words"),
    [
        ({}, None),
        ({"rss": 0.02}, None),
        ({"rss": 0.2}, "memory rose"),
        ({"descriptors": 0.1}, "descriptors rose"),
    ],
)
def test_memory_and_descriptors_that_rise_are_told(
    grown: dict[str, float], words: str | None
) -> None:
    compared = thirds(samples(300, **grown))

    assert compared is not None
    rise = compared.rises()
    assert rise is None if words is None else rise is not None and words in rise


def test_one_large_moment_is_no_leak() -> None:
    run = samples(300)
    run[-20] = Sample(run[-20].at_s, 500, 20)

    compared = thirds(run)

    assert compared is not None
    assert compared.rises() is None


def test_a_short_run_says_nothing_of_memory() -> None:
    assert thirds(samples(JUDGED_FROM_S - 1, rss=9)) is None


def test_answers_no_delivery_may_get_are_told() -> None:
    registry = Registry()
    for status in (204, 503, 0, 401):
        registry.note(registry.offer("msg_1", b"{}"), status)

    assert [*registry.odd()] == ["1 deliveries were answered 401"]


def test_expenses_are_the_same_for_one_seed() -> None:
    assert drawn_expense(Random(1)) == drawn_expense(Random(1))


@pytest.mark.parametrize("minutes", ["0", "-1", "x", "nan"])
def test_minutes_that_are_no_time_are_wrong_usage(minutes: str) -> None:
    with pytest.raises(SystemExit) as ended:
        soak_command([minutes])

    assert ended.value.code == 2
