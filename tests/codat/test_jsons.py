"""JSON read as far as it can be, and no further."""

from typing import Any

import pytest

from reconcile.codat.jsons import (
    COUNT_MAX,
    count,
    items_digest_source,
    known_text,
    loads,
    text_or_none,
    whole_number,
)
from reconcile.errors import PayloadError


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_byte_order_mark_or_another_utf_is_read(encoding: str) -> None:
    body = '{"word":"geschäft"}'.encode(encoding)

    assert loads(body) == {"word": "geschäft"}


def test_lone_surrogates_are_replaced_in_keys_and_values() -> None:
    body = rb'{"a\ud800":["\udfffb",1,null,true]}'

    assert loads(body) == {"a\ufffd": ["\ufffdb", 1, None, True]}


def test_nul_characters_are_replaced_in_keys_and_values() -> None:
    body = rb'{"a\u0000":["\u0000b",1,"\\u0000"]}'

    assert loads(body) == {"a\ufffd": ["\ufffdb", 1, "\\u0000"]}


def test_the_last_of_two_equal_keys_counts_either_way() -> None:
    strict, slow = b'{"a":1,"a":2}', rb'{"a":1,"a":2,"b":"\ud800"}'

    assert loads(strict)["a"] == loads(slow)["a"] == 2


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_only_python_takes_for_a_number_is_no_json(constant: bytes) -> None:
    with pytest.raises(PayloadError, match="not JSON"):
        loads(b'{"syncStatusCode":' + constant + b"}")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\x00\x01\x02", "not JSON"),
        (b'"\xff\xfe"', "not text"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_in_one_sentence(body: bytes, why: str) -> None:
    with pytest.raises(PayloadError, match=why):
        loads(body)


@pytest.mark.parametrize("digits", [400, 640, 4300, 5000, 100_000])
def test_a_number_of_any_length_leaves_the_rest_readable(digits: int) -> None:
    body = b'{"id":"t1","n":1' + b"0" * digits + b"}"

    read = loads(body)

    assert read["id"] == "t1"
    assert count(read["n"]) is None
    assert items_digest_source(read)


def test_a_number_beyond_floats_is_no_count() -> None:
    assert count(loads(b"1e400")) is None
    assert whole_number(loads(b"-1e400")) is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (2000, 2000),
        (2000.0, 2000),
        ("2000", 2000),
        (" 2000.00 ", 2000),
        ("-5", -5),
        ("123456789012345678.0", 123456789012345678),
        (2000.5, None),
        ("2000.5", None),
        ("4200,", None),
        ("", None),
        ("1e3", None),
        ("٢٠٠٠", None),
        (True, None),
        (None, None),
        ([2000], None),
        ("9" * 19, None),
    ],
)
def test_a_whole_number_is_known_however_written(
    written: Any, number: int | None
) -> None:
    assert whole_number(written) == number


@pytest.mark.parametrize("absurd", [-1, COUNT_MAX + 1, 10**400, "x", None, 0.5])
def test_a_negative_or_absurd_count_is_none(absurd: Any) -> None:
    assert count(absurd) is None


def test_a_count_may_be_nothing_or_as_much_as_can_be_held() -> None:
    assert (count(0), count(COUNT_MAX)) == (0, COUNT_MAX)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (None, None),
        ("", ""),
        (" as it is ", " as it is "),
        (5, "5"),
        ({"b": 1, "a": [None]}, '{"b":1,"a":[null]}'),
        (10**400, str(10**400)),
    ],
)
def test_a_message_is_text_or_its_json(message: Any, text: str | None) -> None:
    assert text_or_none(message) == text


def test_what_is_nested_too_deeply_to_write_again_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(PayloadError, match="nested too deeply"):
        text_or_none(deep)
    with pytest.raises(PayloadError, match="nested too deeply"):
        items_digest_source(deep)


@pytest.mark.parametrize("empty", [None, "", "  ", 5, ["a"]])
def test_blank_text_says_nothing(empty: Any) -> None:
    assert known_text(empty) is None


def test_the_digest_of_an_item_is_over_sorted_keys() -> None:
    item, other = loads(b'{"b":1,"a":2}'), loads(b'{ "a": 2, "b": 1 }')

    assert items_digest_source(item) == items_digest_source(other) == b'{"a":2,"b":1}'
