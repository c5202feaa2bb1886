"""Deliveries that leave the sandbox for a URL."""

from collections.abc import Callable

import httpx
import pytest

from reconcile.sandbox.deliveries import Generation
from reconcile.sandbox.outbound import Poster
from reconcile.sandbox.webhooks import Webhooks
from tests.sandbox.hooks import DONE, Bench, bench

Handler = Callable[[httpx.Request], httpx.Response]


def posting(handler: Handler, *, anywhere: bool = False) -> Bench:
    http = httpx.Client(transport=httpx.MockTransport(handler))
    return bench(send=Poster(http, anywhere=anywhere))


def subscribe(hooks: Webhooks, url: str, generation: Generation = "current") -> None:
    if generation == "legacy":
        hooks.subscribe_rule("rule-1", "sync-complete", url)
    else:
        hooks.subscribe(url)


def test_a_delivery_is_posted_with_its_headers_and_bytes() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    kit = posting(handler)
    subscribe(kit.hooks, "http://127.0.0.1:8000/hooks")

    kit.complete(DONE)
    kit.wait(days=2)

    (request,) = seen
    assert (request.method, request.url.path) == ("POST", "/hooks")
    assert request.headers["webhook-id"].startswith("msg_")
    assert request.headers["content-type"] == "application/json"
    assert b"expenses.sync.successful" in request.content


@pytest.mark.parametrize(
    ("url", "anywhere", "posts"),
    [
        ("http://localhost:1/a", False, True),
        ("http://hooks.localhost/a", False, True),
        ("http://[::1]:1/a", False, True),
        ("https://backoffice.example/a", False, False),
        ("https://backoffice.example/a", True, True),
        ("http://localhost.example/a", False, False),
        ("http://localhost:port/a", False, False),
        ("http://localhost:port/a", True, False),
    ],
)
def test_only_who_may_go_anywhere_leaves_this_machine(
    url: str, *, anywhere: bool, posts: bool
) -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200)

    kit = posting(handler, anywhere=anywhere)
    subscribe(kit.hooks, url)
    kit.complete(DONE)
    kit.wait(seconds=1)

    assert seen == ["/a"] * posts


@pytest.mark.parametrize(("generation", "paths"), [("legacy", 2), ("current", 1)])
def test_only_the_rules_service_follows_a_redirect(
    generation: Generation, paths: int
) -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        moved = httpx.Response(307, headers={"Location": "/moved"})
        return moved if request.url.path == "/hooks" else httpx.Response(200)

    kit = posting(handler)
    subscribe(kit.hooks, "http://localhost/hooks", generation)
    kit.complete(DONE)
    kit.wait(seconds=1)

    assert seen == ["/hooks", "/moved"][:paths]


def test_a_url_that_does_not_answer_is_tried_again() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        raise httpx.ReadTimeout("too late")

    kit = posting(handler)
    subscribe(kit.hooks, "http://localhost/hooks")
    kit.complete(DONE)
    kit.wait(seconds=5)

    assert len(seen) == 2


def test_without_a_client_nothing_that_listens_is_no_answer() -> None:
    kit = bench()
    subscribe(kit.hooks, "http://127.0.0.1:9/hooks")

    kit.complete(DONE)
    kit.wait(seconds=1)

    (stored,) = kit.hooks.subscribers.values()
    assert stored.failing_since is not None
    assert stored.raised is None
