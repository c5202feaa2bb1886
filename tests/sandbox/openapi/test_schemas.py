"""The judge of bodies is itself held against what the files show."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.sandbox.openapi.schemas import CURRENT, NOT_THERE, V1, Spec, as_meant, there

pytestmark = pytest.mark.skipif(not there(), reason=NOT_THERE)

METHODS: Final = {"get", "put", "post", "patch", "delete"}
STATUS: Final = "/companies/{companyId}/sync/expenses/syncs/{syncId}/status"
DATASET: Final = "/companies/{companyId}/sync/expenses/data/expense-transactions"
ROWS: Final = "/companies/{companyId}/sync/expenses/syncs/{syncId}/transactions"
SYNCS: Final = "/companies/{companyId}/sync/expenses/syncs"

REFUSAL: Final[dict[str, Any]] = {
    "statusCode": 404,
    "service": "ExpenseSyncApi",
    "error": "Sync not found",
    "correlationId": "",
    "validation": None,
    "canBeRetried": "Unknown",
    "detailedErrorCode": 0,
}


def page(word: str) -> dict[str, Any]:
    """Return a page of one row."""
    link = {"href": "/companies"}
    return {
        "results": [{"integrationType": word}],
        "pageNumber": 1,
        "pageSize": 100,
        "totalResults": 1,
        "_links": {"self": link, "current": link},
    }


@pytest.fixture(scope="module")
def v1() -> Spec:
    return Spec(V1)


@pytest.fixture(scope="module")
def current() -> Spec:
    return Spec(CURRENT)


def test_a_status_as_documented_has_no_problems(v1: Spec) -> None:
    body = {"syncStatusCode": 2000, "syncStatus": "Complete", "errorMessage": None}

    assert v1.problems("GET", STATUS, status=200, body=body) == ()


def test_a_code_that_is_text_is_a_problem(v1: Spec) -> None:
    [problem] = v1.problems("GET", STATUS, status=200, body={"syncStatusCode": "2000"})

    assert problem.startswith("$.syncStatusCode: ")


def test_a_field_nobody_documented_is_a_problem_where_the_file_closes_the_object(
    v1: Spec,
) -> None:
    assert v1.problems("GET", STATUS, status=200, body={"syncState": "Complete"})


def test_a_refusal_may_hold_null_where_the_file_says_nullable(v1: Spec) -> None:
    assert v1.problems("POST", DATASET, status=400, body=REFUSAL) == ()


def test_a_status_code_the_operation_does_not_list_is_a_problem(v1: Spec) -> None:
    [problem] = v1.problems("GET", STATUS, status=400, body=REFUSAL)

    assert problem.endswith("not 400")


def test_the_v1_file_lists_no_success_for_a_new_sync(v1: Spec) -> None:
    """A known hole: it is why the v1 SDK takes every success of it for an error."""
    listed = v1.document["paths"][SYNCS]["post"]["responses"]

    assert not [status for status in listed if status.startswith("2")]


def test_a_page_is_closed_but_for_what_its_parts_list(current: Spec) -> None:
    extra = page("expenses") | {"links": {}}

    assert current.problems("GET", ROWS, status=200, body=page("expenses")) == ()
    assert current.problems("GET", ROWS, status=200, body=extra)


def test_the_word_expense_is_a_problem_in_both_files(v1: Spec, current: Spec) -> None:
    for spec in (v1, current):
        problems = spec.problems("GET", ROWS, status=200, body=page("expense"))

        assert any(".integrationType: 'expense'" in problem for problem in problems)


def test_a_webhook_row_may_not_say_validation_error(current: Spec) -> None:
    def body(word: str) -> dict[str, Any]:
        return {"payload": {"transactions": [{"status": word}]}}

    event = "expenses.sync.unsuccessful"
    assert current.webhook_problems(event, body("Failed")) == ()
    assert current.webhook_problems(event, body("ValidationError"))


def test_null_is_allowed_beside_the_words_of_a_nullable_enum() -> None:
    meant = as_meant({"type": "string", "enum": ["a"], "nullable": True})

    assert meant == {
        "anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}],
    }


@pytest.mark.parametrize("file", [V1, CURRENT], ids=["v1", "current"])
def test_every_example_in_the_files_is_valid_as_we_read_them(file: Path) -> None:
    spec = Spec(file)

    wrong = [
        (method, path, status, problems)
        for method, path, status, body in examples(spec)
        if (problems := spec.problems(method, path, status=status, body=body))
    ]

    assert not wrong


def examples(spec: Spec) -> Iterator[tuple[str, str, int, object]]:
    """Yield each example of an answer: method, path, status and body."""
    for path, item in spec.document["paths"].items():
        for method in METHODS & item.keys():
            for status, response in spec.responses(method, path).items():
                content = response.get("content", {}).get("application/json", {})
                for example in content.get("examples", {}).values():
                    yield method, path, int(status), example["value"]
