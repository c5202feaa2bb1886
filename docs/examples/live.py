"""The page's story, live, against the sandbox: push, sync, webhooks, follow, report.

    python docs/examples/live.py STORE

Two companies: Codat's webhooks reach us for the first, and are lost for the second, of
whose sync the answer is lost too. Time is the sandbox's, so that hours take no time.
"""

import sys
from datetime import timedelta

import httpx

from reconcile import (
    CodatClient,
    CodatUnavailable,
    Dispatch,
    InDoubtError,
    Reconciler,
    Request,
    Trust,
    WebhookEndpoint,
    push_dataset,
    start_sync,
)
from reconcile.sandbox import Delivery, Sandbox

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MEALS = ("Night Bakery", "Harbour Hotel", "Rail & Co")


class DeafLine(httpx.BaseTransport):
    """A line to the sandbox; while it is deaf, what it carries gets no answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._to = sandbox.transport()
        self.deaf = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._to.handle_request(request)
        if self.deaf:
            raise httpx.ReadTimeout("no answer", request=request)
        return response


def main(store: str) -> None:
    """Live the story, and say what happens."""
    sandbox = Sandbox(seed=1)
    line = DeafLine(sandbox)
    with (
        Reconciler.open(store, now=lambda: sandbox.now) as books,
        WebhookEndpoint(
            store, trust=Trust(secrets=(SECRET,)), now=lambda: sandbox.now
        ) as endpoint,
        httpx.Client(transport=line) as http,
    ):
        client = CodatClient(
            http,
            api_keys="key",
            record=books.record,
            now=lambda: sandbox.now,
            sleep=lambda seconds: sandbox.advance(timedelta(seconds=seconds)),
            chance=lambda: 0.5,  # the same story each time
        )
        dispatch = books.dispatch(client.ask, actor="demo")
        follower = books.follower(client, holder="demo")

        def hear(delivery: Delivery) -> int:
            status = endpoint.receive(delivery.headers, delivery.body).status
            print(f"   webhook {delivery.event_type}, answered {status}")
            return status

        print("1. A company whose webhooks reach us.")
        company = sandbox.company().company_id
        sandbox.webhooks.subscribe_callable(hear, company_id=company, secret=SECRET)
        pushed = dispatch.send(push_dataset(company, expenses(sandbox)))
        dataset = pushed.answer.named("datasetId")
        sync = start_sync(company, [dataset])
        print(f"   pushed dataset {dataset}")
        print(f"   started sync {dispatch.send(sync).answer.named('syncId')}")
        sandbox.advance(timedelta(seconds=10))
        follower.step()
        follower.step()

        print("2. A company whose webhooks are lost, and the answer to its sync too.")
        deaf = sandbox.company().company_id
        pushed = dispatch.send(push_dataset(deaf, expenses(sandbox)))
        sync = start_sync(deaf, [pushed.answer.named("datasetId")])
        line.deaf = True
        send(dispatch, sync)
        send(dispatch, sync)
        line.deaf = False
        for _ in range(10):
            sandbox.advance(timedelta(minutes=6))
            follower.step()

        totals = books.report().totals
        calls = sum(len(company.syncs) for company in sandbox.companies.values())
        known = totals.matched + totals.cleared
        print(
            f"3. {totals.items} expenses sent, {known} in the books, by {calls} syncs."
        )


def send(dispatch: Dispatch, request: Request) -> None:
    """Send, and say what came of it."""
    try:
        dispatch.send(request)
    except CodatUnavailable as error:
        print(f"   {error}; safe to send again: {error.safe_to_resend}")
    except InDoubtError as error:
        print(f"   not sent again: {error}")


def expenses(sandbox: Sandbox) -> list[dict[str, object]]:
    """Return three expenses, as v1 has them."""
    line = {"netAmount": 42.5, "taxAmount": 0, "accountRef": {"id": "account-1"}}
    return [
        {
            "id": sandbox.chance.uuid("demo expense"),
            "type": "Payment",
            "issueDate": "2026-01-04",
            "currency": "GBP",
            "merchantName": merchant,
            "lines": [line],
        }
        for merchant in MEALS
    ]


if __name__ == "__main__":
    main(sys.argv[1])
