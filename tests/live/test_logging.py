"""What the live edge tells its log: what is documented, and nothing of an expense."""

import logging
import re
from pathlib import Path

import pytest

from reconcile import CodatUnavailable, RetryPolicy, Trust, WebhookEndpoint
from reconcile.codat.requests import create_expenses
from reconcile.sandbox import Sandbox
from reconcile.sandbox.deliveries import Delivery
from reconcile.sandbox.scenarios import Scenario
from tests.docs.markdown import DOCS
from tests.engines import url_at
from tests.live.office import COMPANY, Office, expense, follow, office_with
from tests.sandbox.hooks import SECRET

USUAL = frozenset(vars(logging.makeLogRecord({})))


def documented() -> set[tuple[str, str, frozenset[str]]]:
    """Return logger, level and fields of every row of the page."""
    rows: set[tuple[str, str, frozenset[str]]] = set()
    fields: frozenset[str] = frozenset()
    text = (DOCS / "reference" / "logging.md").read_text("utf-8")
    for line in text.splitlines():
        found = re.fullmatch(r"\| `([\w.]+)` \| ([A-Z]+) \| .* \| (.*) \|", line)
        if found:
            if found[3] != "the same":
                fields = frozenset(re.findall(r"`(codat_\w+)`", found[3]))
            rows.add((found[1], found[2], fields))
    return rows


def written_by_us(record: logging.LogRecord) -> dict[str, object]:
    """Return what a record says, without its clock, whose digits may be any."""
    ours = {"msg", "args", "exc_info", "exc_text"}
    return {k: v for k, v in vars(record).items() if k not in USUAL or k in ours}


def fail_and_retry(office: Office) -> None:
    """Have a follower send again what an outage broke, until it is stopped."""
    office.line.lose_answers = 0
    quiet = office.sandbox.faults.scenario
    office.sandbox.faults.scenario = Scenario(name="outage", broken=1)
    third = "30000000-0000-4000-8000-000000000000"
    office.dispatch.send(create_expenses(COMPANY, [expense(third)]))
    follower = office.books.follower(
        office.client, holder="two", retry=RetryPolicy(owners={})
    )
    follow(office, follower, hours=0.2)
    office.line.lose_answers = 99
    follow(office, follower, hours=0.2)
    office.line.lose_answers = 0
    office.sandbox.faults.scenario = quiet
    follow(office, follower, hours=2)


def test_log_records_are_those_that_are_documented_and_tell_nothing_of_an_expense(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="reconcile")
    with (
        office_with(Sandbox(), tmp_path) as office,
        WebhookEndpoint(
            url_at(tmp_path / "books.db"),
            trust=Trust(secrets=(SECRET,)),
            now=lambda: office.sandbox.now,
        ) as endpoint,
    ):

        def hear(delivery: Delivery) -> int:
            endpoint.receive({}, delivery.body)
            return endpoint.receive(delivery.headers, delivery.body).status

        office.sandbox.webhooks.subscribe_callable(
            hear, company_id=COMPANY, secret=SECRET
        )
        first, second = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2))
        office.dispatch.send(create_expenses(COMPANY, [expense(first)]))
        office.line.lose_answers = 99
        with pytest.raises(CodatUnavailable):
            office.dispatch.send(create_expenses(COMPANY, [expense(second)]))
        follower = office.books.follower(office.client, holder="one")
        office.line.unplugged = True
        follower.step()
        office.line.unplugged = False
        office.wait(minutes=5)
        follower.step()
        follower.step()
        fail_and_retry(office)

    records = [item for item in caplog.records if item.name.startswith("reconcile")]
    result = {
        (entry.name, entry.levelname, frozenset(vars(entry)) - USUAL - {"message"})
        for entry in records
    }
    unheard = {("reconcile.endpoint", "WARNING"), ("reconcile.follow", "ERROR")}
    assert result == {found for found in documented() if found[:2] not in unheard}
    assert "netAmount" not in caplog.text
    for word in ("GBP", "account-1", "12.5", SECRET):
        assert all(word not in repr(written_by_us(record)) for record in records)
