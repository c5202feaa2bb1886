"""Canonical ids and stream names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.domain.identity import canonical_id, stream_name, stream_parts

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
