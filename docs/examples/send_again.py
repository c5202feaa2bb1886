"""A cause is mended, and what it broke is sent again: plan, probe, the rest, the books.

    python docs/examples/send_again.py STORE

Twelve expenses fail, because the customer's books are locked for their dates. Somebody
says too soon that they are open, which costs one call. Time is the sandbox's.
"""

import sys
from datetime import date, timedelta

import httpx

from reconcile import CodatClient, Plan, Reconciler, create_expenses
from reconcile.sandbox import Sandbox

NUMBER = 12


def main(store: str) -> None:
    """Live the story, and say what happens."""
    sandbox = Sandbox(seed=2)
    company = sandbox.company()
    company.ledger.bank_feeds = False
    with (
        Reconciler.open(store, now=lambda: sandbox.now) as books,
        httpx.Client(transport=sandbox.transport()) as http,
    ):
        client = CodatClient(
            http, api_keys="key", record=books.record, now=lambda: sandbox.now
        )
        dispatch = books.dispatch(client.ask, actor="demo")
        follower = books.follower(client, holder="demo")

        def read() -> None:
            for _ in range(4):
                sandbox.advance(timedelta(minutes=5))
                follower.step()

        def mend(reason: str) -> Plan:
            (group,) = books.causes(company_id=company.company_id)
            print(f"   {group.items} broken: {group.title}")
            books.decide(
                "mended",
                company_id=company.company_id,
                cause=group.fingerprint,
                actor="ann",
                reason=reason,
            )
            print(f"   ann says it is mended: {reason}")
            plan = books.plan()
            for line in plan.lines:
                what = "a probe" if line.probe_for else f"held for line {line.after}"
                print(f"   line {line.n}: {len(line.transactions)} of them, {what}")
            return plan

        def run(plan: Plan) -> None:
            waiting = True
            while waiting:
                result = dispatch.run(plan)
                waiting = not result.ended
                print(f"   {result.sent} sent, {result.dropped} dropped")
                read()

        print(f"1. {NUMBER} expenses of a period that is locked.")
        company.ledger.closed_until = date(2026, 1, 4)
        dispatch.send(create_expenses(company.company_id, expenses(sandbox)))
        read()
        run(mend("they promised to open it"))

        print("2. The customer opens the period.")
        company.ledger.closed_until = None
        run(mend("it is open now"))
        totals = books.report().totals
        booked = sum(entry.times for _, entry in sandbox.books)
        print(
            f"3. {totals.cleared} of {totals.items} cleared, {totals.broken} broken;"
            f" the books hold {booked} entries."
        )


def expenses(sandbox: Sandbox) -> list[dict[str, object]]:
    """Return expenses, as the current API has them."""
    return [
        {
            "id": sandbox.chance.uuid("demo expense"),
            "type": "Payment",
            "issueDate": "2026-01-02",
            "currency": "GBP",
            "merchantName": f"Merchant {number}",
            "lines": [{"netAmount": 20 + number, "accountRef": {"id": "travel"}}],
        }
        for number in range(1, NUMBER + 1)
    ]


if __name__ == "__main__":
    main(sys.argv[1])
