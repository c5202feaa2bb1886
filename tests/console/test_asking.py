"""Addresses: what they ask, what they carry on, and ids that no path can hold."""

from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.console.asking import FILTER_WORDS, SCOPE_WORDS, asking
from reconcile.console.cuts import cut_of
from reconcile.console.filter import Filter
from reconcile.console.links import id_from_path, id_in_path
from reconcile.console.problems import PageError

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


@given(st.text(st.characters(exclude_characters="\0", codec=None)))
def test_every_id_stands_in_one_part_of_a_path_and_comes_out_of_it(text: str) -> None:
    part = id_in_path(text)

    assert part == quote(part, safe="~")
    assert "/" not in part
    assert part not in ("", ".", "..")
    assert id_from_path(part) == text


@given(st.text())
def test_any_part_of_a_path_stands_for_an_id_or_for_none(part: str) -> None:
    found = id_from_path(part)

    assert found is None or "\0" not in found


@given(st.text())
def test_any_query_is_read_or_refused_in_one_sentence(query: str) -> None:
    problem: PageError | None = None
    words: set[str] = set()
    try:
        words = {*asking(query, known=FILTER_WORDS, now=NOW).words}
    except PageError as error:
        problem = error

    assert words <= set(FILTER_WORDS)
    if problem is not None:
        assert problem.status == 400
        assert problem.sentence.endswith(".")
        assert len(problem.sentence) < 500


@given(
    st.dictionaries(
        st.sampled_from(["customer", "cause", "type", "q"]),
        st.lists(st.text("abc ü&=%+", min_size=1), min_size=1, max_size=1),
    )
)
def test_words_come_back_as_they_were_asked(words: dict[str, list[str]]) -> None:
    found = asking(urlencode(words, True), known=FILTER_WORDS, now=NOW)

    assert {word: [*values] for word, values in found.words.items()} == {
        word: [value.strip()] for word, (value,) in words.items() if value.strip()
    }


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-03T09:40", datetime(2026, 2, 3, 9, 40, tzinfo=UTC)),
        ("2026-02-03 09:40:12", datetime(2026, 2, 3, 9, 40, 12, tzinfo=UTC)),
        ("2026-02-03T09:40:00Z", datetime(2026, 2, 3, 9, 40, tzinfo=UTC)),
        ("2026-02-03T09:40:00+01:00", datetime(2026, 2, 3, 8, 40, tzinfo=UTC)),
        ("2026-02-03", datetime(2026, 2, 3, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_utc_and_a_date_is_its_last_moment(
    text: str, moment: datetime
) -> None:
    found = asking(urlencode({"as_of": text}), known=SCOPE_WORDS, now=NOW)

    assert (found.as_of, found.known_at, found.is_past) == (moment, None, True)


def test_several_values_of_one_word_are_all_there_once_and_empty_fields_are_not() -> (
    None
):
    query = "state=break&state=open&state=break&q=&month=&as_of="

    found = asking(query, known=FILTER_WORDS, now=NOW)

    assert found.words == {"state": ("break", "open")}
    assert not found.is_past


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("month", "2026-00"),
        ("day", "2026-02-30"),
    ],
)
def test_a_value_that_a_word_cannot_have_is_refused_with_what_is_expected(
    word: str, value: str
) -> None:
    with pytest.raises(PageError, match="is not valid, expected") as refused:
        asking(urlencode({word: value}), known=FILTER_WORDS, now=NOW)

    assert repr(value) in refused.value.sentence


def test_the_scope_goes_along_and_the_place_in_a_list_does_not() -> None:
    query = "customer=c1&month=2026-02&as_of=2026-02-03&state=break&after=abc"

    found = asking(query, known=FILTER_WORDS, now=NOW)

    assert list(found.scope()) == ["customer", "month", "as_of"]
    assert set(found.kept_but("state")) == {"customer", "month", "as_of"}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("state", "broken"),
        ("owner", "me"),
        ("verdict", "SOON"),
        ("booked", "maybe"),
        ("half_booked", "1"),
        ("age", "old"),
        ("q", "x" * 201),
    ],
)
def test_a_filter_that_no_line_could_pass_is_refused(word: str, value: str) -> None:
    found = asking(urlencode({word: value}), known=FILTER_WORDS, now=NOW)

    with pytest.raises(PageError, match="expected") as refused:
        cut_of(found)

    assert refused.value.status == 400


def test_words_are_the_filter_that_a_list_is_read_by() -> None:
    query = "state=break&state=open&customer=C1&owner=us&sort=-age&after=x"

    found = asking(query, known=FILTER_WORDS, now=NOW)

    assert cut_of(found) == Filter(
        state=("break", "open"), customer=("C1",), owner=("us",)
    )
