"""Requests as values: each as Codat's files describe it, and none to anywhere else."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconcile.codat import requests
from reconcile.codat.attachments import ATTACHMENT_BYTES_MAX
from reconcile.codat.requests import Request
from reconcile.codat.routes import route_of
from reconcile.errors import UsageError
from tests.sandbox.calls import COMPANY, expense
from tests.sandbox.openapi.schemas import CURRENT, NOT_THERE, V1, Spec, there

SYNC = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXPENSE = "4d7c6929-7770-412b-91bb-44d3bc71d111"
KEY = "6a1b2c3d-0000-4000-8000-000000000001"
ODD = ("", " ", "\t", ".", "..")


def _new(**more: Any) -> dict[str, Any]:
    return {**expense(EXPENSE), "issueDate": "2026-01-04T00:00:00+00:00", **more}


def _changed() -> dict[str, Any]:
    return {name: value for name, value in _new().items() if name != "id"}


REIMBURSABLE = {
    "contactRef": {"id": "supplier-1"},
    "issueDate": "2026-01-04T00:00:00+00:00",
    "dueDate": "2026-02-04T00:00:00+00:00",
    "currency": "GBP",
    "lines": [{"netAmount": 10, "taxAmount": 0, "accountRef": {"id": "a"}}],
}
ADJUSTMENT = {
    "id": EXPENSE,
    "date": "2026-01-04T00:00:00+00:00",
    "currency": "GBP",
    "lines": [{"amount": 10, "accountRef": {"id": "a"}}],
}
TRANSFER = {
    "date": "2026-01-04T00:00:00+00:00",
    "from": {"accountRef": {"id": "a"}, "amount": 10},
    "to": {"accountRef": {"id": "b"}, "amount": 10},
}
CALLS: dict[str, tuple[Request, str]] = {
    "push": (requests.push_dataset(COMPANY, [_new()]), "push"),
    "start": (requests.start_sync(COMPANY, [SYNC]), "syncs"),
    "create": (requests.create_expenses(COMPANY, [_new()]), "create"),
    "adjust": (requests.create_adjustments(COMPANY, [ADJUSTMENT]), "create"),
    "reimburse": (
        requests.create_reimbursables(COMPANY, [{"id": EXPENSE, **REIMBURSABLE}]),
        "create",
    ),
    "update": (requests.update_expense(COMPANY, EXPENSE, _changed()), "update"),
    "transfer": (requests.put_transfer(COMPANY, EXPENSE, TRANSFER), "put"),
    "update reimbursable": (
        requests.update_reimbursable(COMPANY, EXPENSE, REIMBURSABLE),
        "update",
    ),
    "status": (requests.sync_status(COMPANY, SYNC), "status"),
    "latest": (requests.latest_status(COMPANY), "latest"),
    "last successful": (requests.last_successful_status(COMPANY), "latest"),
    "list": (requests.statuses(COMPANY), "list"),
    "page": (requests.transactions_page(COMPANY, SYNC, 3), "page"),
    "transaction": (requests.transaction(COMPANY, SYNC, EXPENSE), "transaction"),
}
ONLY_V1 = ("push", "start")
ONLY_CURRENT = ("create", "adjust", "reimburse", "transfer", "update reimbursable")


@pytest.mark.parametrize("name", CALLS)
def test_the_library_knows_each_call_again_by_its_url(name: str) -> None:
    request, wanted = CALLS[name]

    route = route_of(request.method, f"https://api.codat.io{request.target}")

    assert route is not None
    assert (route.name, route.company_id) == (wanted, COMPANY)


@pytest.mark.skipif(not there(), reason=NOT_THERE)
@pytest.mark.parametrize(
    ("name", "file"),
    [
        *((name, V1) for name in CALLS if name not in ONLY_CURRENT),
        *((name, CURRENT) for name in CALLS if name not in ONLY_V1),
    ],
)
def test_each_call_is_as_codats_files_describe_it(name: str, file: Path) -> None:
    request, _ = CALLS[name]
    spec = Spec(file)

    template = spec.template(request.path)

    assert template is not None
    assert request.method.lower() in spec.document["paths"][template]
    assert _problems(spec, template, request) == []


def _problems(spec: Spec, template: str, request: Request) -> list[str]:
    """Return what Codat's file finds wrong with a request's query and body."""
    described = spec.document["paths"][template][request.method.lower()]
    known = {
        spec._followed(item).get("name") for item in described.get("parameters", ())
    }
    found = [name for name, _ in request.query if name not in known]
    if request.body is None:
        return found
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(
        {**schema, "components": spec.document["components"]}
    )
    errors = validator.iter_errors(json.loads(request.body))
    return found + [f"{error.json_path}: {error.message}" for error in errors]


@given(st.text(min_size=1))
def test_whatever_an_id_holds_it_stays_one_part_of_the_path(text: str) -> None:
    try:
        request = requests.sync_status(text, text)
    except UsageError:
        return

    assert re.fullmatch(
        r"/companies/[A-Za-z0-9%._~-]+/sync/expenses/syncs/[A-Za-z0-9%._~-]+/status",
        request.path,
    )


@pytest.mark.parametrize("text", [*ODD, "\ud800"])
def test_what_no_quoting_makes_safe_is_no_id(text: str) -> None:
    with pytest.raises(UsageError, match="is not an id"):
        requests.transaction(COMPANY, SYNC, text)


@pytest.mark.parametrize("text", ["latest", "lastSuccessful", "list"])
def test_a_word_of_codats_paths_is_no_id_of_a_sync(text: str) -> None:
    with pytest.raises(UsageError, match="is not the id of a sync"):
        requests.sync_status(COMPANY, text)


def test_amounts_are_sent_as_exact_numbers() -> None:
    request = requests.push_dataset(COMPANY, [{"id": "t", "a": Decimal("0.10")}])

    assert request.body == b'{"items":[{"id":"t","a":0.10}]}'


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: requests.push_dataset(COMPANY, []), "1 to 50"),
        (lambda: requests.create_expenses(COMPANY, [{}] * 51), "1 to 50"),
        (lambda: requests.create_expenses(COMPANY, _mapping()), "not a list"),
        (lambda: requests.create_expenses(COMPANY, "text"), "not a list"),
        (lambda: requests.create_expenses(COMPANY, [object()]), "as JSON"),
        (lambda: requests.create_expenses(COMPANY, ["\ud800"]), "as JSON"),
        (lambda: requests.start_sync(COMPANY, []), "no dataset"),
        (lambda: requests.start_sync(COMPANY, [" "]), "no dataset"),
        (lambda: requests.transactions_page(COMPANY, SYNC, 0), "not a page number"),
        (lambda: requests.companies_page(page_size=5001), "1 to 5000"),
        (lambda: requests.update_expense(COMPANY, "", {}), "is not an id"),
        (lambda: _attach(b""), "has 0 bytes"),
        (lambda: _attach(bytes(ATTACHMENT_BYTES_MAX + 1)), "expected 1 to"),
        (lambda: _attach(b"x", media_type="a\r\nX: y"), "ASCII"),
    ],
)
def test_what_codat_would_refuse_is_refused_before_it_is_sent(
    make: Callable[[], Request], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        make()


def _mapping() -> Any:
    return {"items": [1]}


def _attach(content: bytes, **more: Any) -> Request:
    return requests.attach(
        COMPANY, SYNC, EXPENSE, **{"name": "a.png", "content": content, **more}
    )


def test_a_receipt_is_a_form_whose_bytes_are_always_the_same() -> None:
    once = _attach(b"\x89PNG\r\n--", name='b"\r\n.png', media_type="image/png")
    again = _attach(b"\x89PNG\r\n--", name='b"\r\n.png', media_type="image/png")

    kind = dict(once.headers)["Content-Type"]
    form: Any = message_from_bytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + (once.body or b"")
    )
    assert once == again
    assert [part.get_filename() for part in form.get_payload()] == ["b%22%0D%0A.png"]
    assert form.get_payload()[0].get_payload(decode=True) == b"\x89PNG\r\n--"


def test_a_put_carries_no_idempotency_key() -> None:
    with pytest.raises(UsageError, match="cannot carry"):
        CALLS["update"][0].under(KEY)


def test_an_idempotency_key_is_a_guid() -> None:
    with pytest.raises(UsageError, match="is not a GUID"):
        CALLS["create"][0].under("mine")


def test_a_request_under_a_key_tells_which() -> None:
    request = CALLS["create"][0]

    assert request.under(KEY.upper()).key == KEY
    assert request.under(None).key is None


def test_a_requests_body_is_shown_by_its_digest() -> None:
    request = requests.create_expenses(COMPANY, [{"merchantName": "Acme"}])

    assert "Acme" not in repr(request)
    assert "sha256:" in repr(request)
