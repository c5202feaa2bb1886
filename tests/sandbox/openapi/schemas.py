"""What Codat's OpenAPI files say an answer looks like, asked of one body at a time.

The files are Codat's and not in this repository: `CODAT_OAS` names their folder, else
`shared/codat/oas` beside the repository is looked into.
"""

import functools
import json
import operator
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

FOLDER: Final = Path(
    os.environ.get("CODAT_OAS", "")
    or Path(__file__).parents[4] / "shared" / "codat" / "oas"
)
V1: Final = FOLDER / "sync-expenses-v1.json"
CURRENT: Final = FOLDER / "sync-expenses.json"
NOT_THERE: Final = f"Codat's OpenAPI files are not in {FOLDER}; CODAT_OAS names another"


def there() -> bool:
    """Say whether both files are at hand."""
    return V1.is_file() and CURRENT.is_file()


class Spec:
    """One OpenAPI file, ready to judge bodies by."""

    def __init__(self, file: Path) -> None:
        self.document: Final = openapi_document(file)

    def template(self, path: str) -> str | None:
        """Return the template a path belongs to; None where the file has none.

        Where several fit, the one with the most of its text given.
        """
        fitting = [
            item
            for item in self.document["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", item), path)
        ]
        return min(fitting, key=lambda entry: entry.count("{"), default=None)

    def responses(self, method: str, path: str) -> dict[str, dict[str, Any]]:
        """Return what an operation lists, by status; `path` is a template."""
        listed = self.document["paths"][path][method.lower()]["responses"]
        return {status: self._followed(response) for status, response in listed.items()}

    def problems(
        self, method: str, path: str, *, status: int, body: object
    ) -> tuple[str, ...]:
        """Return what is wrong with a JSON answer; nothing where it is as documented.

        `path` is a template of the file, such as `/companies/{companyId}`. A status the
        operation does not list is a problem of its own; `body` of an answer that should
        have none is None.
        """
        listed = self.responses(method, path)
        if str(status) not in listed:
            return (f"{method} {path} lists {', '.join(listed)}, not {status}",)
        return self._against(listed[str(status)], body)

    def webhook_problems(self, event: str, body: object) -> tuple[str, ...]:
        """Return what is wrong with the body of a webhook of the current service."""
        webhook = self.document["webhooks"][event]
        return self._against(webhook["post"]["requestBody"], body)

    def _against(self, described: Mapping[str, Any], body: object) -> tuple[str, ...]:
        if "content" not in described:
            return () if body is None else ("$: there should be no body",)
        schema = described["content"]["application/json"]["schema"]
        validator = Draft202012Validator(
            {**schema, "components": self.document["components"]},  # what it refers to
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        return tuple(
            f"{error.json_path}: {error.message}"
            for error in validator.iter_errors(body)
        )

    def _followed(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            keys = str(node["$ref"]).removeprefix("#/").split("/")
            node = functools.reduce(operator.getitem, keys, self.document)
        return node


def openapi_document(file: Path) -> dict[str, Any]:
    """Return a file's document, `as_meant`.

    A page may have 5,000 rows by the parameter that asks for them, 2,000 by the answer;
    here the parameter is believed.
    """
    document: dict[str, Any] = as_meant(json.loads(file.read_text("utf-8")))
    del document["components"]["schemas"]["PagingInfo"]["properties"]["pageSize"][
        "maximum"
    ]
    return document


def as_meant(node: Any) -> Any:
    """Return a document that says what its own examples show it to mean.

    The files call themselves OpenAPI 3.1 and hold two habits of 3.0: `nullable: true`,
    which means nothing any more, and `additionalProperties: false` beside `allOf`,
    which sees none of what `allOf` lists and so refuses every page of results. And the
    types of transaction an account is good for are words of at most 8 letters, of which
    most in the list beside it have more.
    """
    if isinstance(node, list):
        return [as_meant(item) for item in node]
    if not isinstance(node, dict):
        return node
    meant = {key: as_meant(value) for key, value in node.items()}
    if "allOf" in meant and meant.get("additionalProperties") is False:
        meant["unevaluatedProperties"] = meant.pop("additionalProperties")
    if "enum" in meant:
        meant.pop("maxLength", None)
    if meant.get("nullable") is True:
        del meant["nullable"]
        return _or_null(meant)
    return meant


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}
