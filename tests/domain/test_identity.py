"""Canonical ids and stream names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.domain.identity import (
    QUOTED_MAX,
    all_canonical,
    canonical_id,
    stream_name,
    stream_parts,
)

PLAIN = "0331d9b9-a1cd-4d46-84d3-5a17dc6ad43e"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.upper(),
        PLAIN.replace("-", ""),
        f"{{{PLAIN}}}",
        f"urn:uuid:{PLAIN}",
    ],
)
def test_an_id_that_is_a_uuid_has_one_form(text: str) -> None:
    assert canonical_id(text) == PLAIN


@pytest.mark.parametrize("text", ["", "T-1", f"{PLAIN}0", f" {PLAIN}", "Ａ" * 32])
def test_any_other_id_stays_as_it_is(text: str) -> None:
    assert canonical_id(text) == text


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(kind=st.sampled_from(["sync", "dataset"]), company=TEXT, name=TEXT)
def test_a_streams_name_gives_back_its_parts(
    kind: str, company: str, name: str
) -> None:
    assert stream_parts(stream_name(kind, company, name)) == (kind, company, name)


CANONICAL = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
LIKE = st.text("0aF-\n", min_size=35, max_size=37)
NAMES = st.one_of(st.uuids().map(str), st.just(PLAIN.upper()), TEXT, LIKE)


@given(names=st.lists(NAMES, min_size=1, max_size=4))
def test_many_ids_are_canonical_together_when_each_is(names: list[str]) -> None:
    each = all(CANONICAL(name) is not None for name in names)

    assert all_canonical(names) == each


@given(text=st.text(max_size=400), times=st.integers(1, 20))
def test_an_id_of_any_length_is_a_key_of_bounded_length(text: str, times: int) -> None:
    name = canonical_id(text * times)

    assert len(stream_name("sync", name, name)) <= len("sync::") + 2 * QUOTED_MAX
    assert canonical_id(name) == name


def test_long_ids_that_differ_at_their_ends_stay_two() -> None:
    first, second = (canonical_id("x" * 5000 + end) for end in "ab")

    assert first != second
    assert first.startswith("x" * 32)
