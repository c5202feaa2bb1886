"""The texts of the package: what is wrong, with the value, then what is expected."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_names import PACKAGE, modules, where

OLD_FORMS = (
    # The rule stated as a fact: "it is between 0 and 5", "they are text".
    r"\b(it|they) (is|are|has|have|holds?) (a|an|at most|at least|between|one of|\d)\b",
    r"\b(it|they) (is|are) (text|required|true|false)\b",
    r"^an? [\w' ]+ (is|are) (an? |text|printable|\w+:/)",
    r"^an? [\w' ]+ (has|needs|holds|can) \b",
    # "No" where "not" is meant: "it is no JSON", "no scenario is called x".
    r"(?<!there )\b(is|are|was|were|be|names?|tells?|gives?) (no|none)\b(?! longer)",
    r"\bno \w+ is (called|named)\b",
    r"\bthere (is|are) none\b",
    # Riddles: "nobody knows", "nothing was heard of it".
    r"\b(nobody|nothing) (\w+ )?(knows?|heard|told|tells?|says?)\b",
    r"\btells? (of|nothing)\b",
)


def old_form(text: str) -> str | None:
    """Return the old form that a text has, if any."""
    for form in OLD_FORMS:
        if re.search(form, text, re.IGNORECASE):
            return form
    return None


def texts(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Yield every text of a module that is more than one word; docstrings are not."""
    tree = ast.parse(path.read_text("utf-8"))
    passed: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                passed.add(id(node.value))  # a docstring
            case ast.JoinedStr(values=values):
                passed.update(map(id, values))
                yield node, "".join(map(words, values))
            case ast.Constant(value=str(text)) if id(node) not in passed:
                if " " in text.strip():
                    yield node, text


def words(part: ast.expr) -> str:
    """Return a part of an f-string; a value stands as the letter X."""
    return str(part.value) if isinstance(part, ast.Constant) else "X"


def test_every_text_says_what_is_wrong_and_then_what_is_expected() -> None:
    old = [
        f"{where(path, node)}: {text!r} has the form {form}"
        for path in modules(PACKAGE)
        for node, text in texts(path)
        if (form := old_form(text))
    ]

    assert old == []


@pytest.mark.parametrize(
    "text",
    [
        "it is between 0 and 5000000",
        "it has at most 15 digits",
        "they are an array of 1 to 100 lines",
        "it is text",
        "an expense is an object",
        "a store is sqlite:///PATH, not 'x'",
        "an API key is printable ASCII text",
        "a client needs 1 to 2 API keys",
        "it is no CSV: X",
        "the webhook names no company",
        "no scenario is called X",
        "nobody knows yet what came of request X",
        "the answer tells nothing of it",
    ],
)
def test_the_old_form_is_refused(text: str) -> None:
    assert old_form(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "line 2: netAmount: -1 is below 0",
        '"x" is not a UUID',
        "'X' is not a scenario, expected one of happy, portal",
        "company X has no request X",
        "the answer is not JSON",
        "no API key was given, expected --api-key or CODAT_API_KEY",
    ],
)
def test_the_new_form_passes(text: str) -> None:
    assert old_form(text) is None


def test_the_texts_of_a_module_are_found_inside_values_and_without_docstrings(
    tmp_path: Path,
) -> None:
    source = tmp_path / "module.py"
    source.write_text(
        '"""It is a docstring."""\nraise E(f"{name} is no file")\nw = ("a b",)\n'
    )

    assert [text for _, text in texts(source)] == ["X is no file", "a b"]
