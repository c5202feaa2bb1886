"""The listing of a sync: section 6 of the judgement page."""

from reconcile.judgement.facts import RowsRead
from reconcile.judgement.listing import Listing, shown, survey_listing
from tests.builders import at

A, B, C = ("a", "expense"), ("b", "expense"), ("c", "expense")


class Pages:
    """Reads of one sync, and the legs that each holds."""

    def __init__(self) -> None:
        self.reads: list[RowsRead] = []
        self.keys: dict[int, frozenset[tuple[str, str]]] = {}

    def read(
        self,
        minute: float,
        *keys: tuple[str, str],
        page: int | None = 1,
        size: int | None = 100,
        total: int | None = None,
        rows: int | None = None,
        unread: int = 0,
        same_as: int | None = None,
        origin: str = "page",
    ) -> int:
        """Add a read, and return its position."""
        position = len(self.reads) + 1
        self.keys[position] = frozenset(keys)
        count = len(keys) + unread if rows is None else rows
        self.reads.append(
            RowsRead(
                origin,
                page,
                size,
                count if total is None else total,
                count,
                unread,
                at(minute),
                position,
                same_as or position,
            )
        )
        return position

    def survey(self, ended: float | None = 0) -> Listing:
        """Return what the reads tell, in any order."""
        moment = None if ended is None else at(ended)
        result = [
            survey_listing(reads, ended_at=moment, keys_of=self.keys.__getitem__)
            for reads in (self.reads, self.reads[::-1])
        ]
        assert result[0] == result[1]
        return result[0]


def complete(pages: Pages, ended: float | None = 0) -> object:
    return pages.survey(ended).complete_at


def test_one_page_that_holds_what_it_promises_is_complete() -> None:
    pages = Pages()
    pages.read(3, A, B)

    assert complete(pages) == at(3)


def test_an_empty_listing_is_one_empty_page() -> None:
    pages = Pages()
    pages.read(3)

    assert complete(pages) == at(3)


def test_no_listing_is_complete_before_the_sync_has_ended() -> None:
    pages = Pages()
    pages.read(3, A)

    assert complete(pages, ended=None) is None
    assert complete(pages, ended=4) is None


def test_a_page_read_at_the_very_end_counts() -> None:
    pages = Pages()
    pages.read(3, A)

    assert complete(pages, ended=3) == at(3)


def test_a_listing_is_complete_when_its_last_page_is_read() -> None:
    pages = Pages()
    pages.read(4, B, page=2, total=2)
    pages.read(3, A, page=1, total=2)

    assert complete(pages) == at(4)


def test_a_page_read_before_the_end_does_not_count() -> None:
    pages = Pages()
    pages.read(3, A, page=1, total=2)
    pages.read(6, B, page=2, total=2)

    assert complete(pages, ended=5) is None


def test_pages_that_disagree_on_the_total_are_no_listing() -> None:
    pages = Pages()
    pages.read(3, A, page=1, total=2)
    pages.read(4, B, page=2, total=3)

    assert complete(pages) is None


def test_pages_that_disagree_on_the_page_size_are_no_listing() -> None:
    pages = Pages()
    pages.read(3, A, page=1, total=2, size=1)
    pages.read(4, B, page=2, total=2, size=2)

    assert complete(pages) is None


def test_rows_that_do_not_add_up_are_no_listing() -> None:
    more, fewer = Pages(), Pages()
    more.read(3, A, B, total=1)
    fewer.read(3, A, total=2)

    assert complete(more) is None
    assert complete(fewer) is None


def test_a_listing_without_its_first_page_is_not_complete() -> None:
    pages = Pages()
    pages.read(3, B, page=2, total=1)

    assert complete(pages) is None


def test_a_listing_with_a_gap_is_not_complete() -> None:
    pages = Pages()
    pages.read(3, A, page=1, total=3)
    pages.read(3, B, page=3, total=3)

    assert complete(pages) is None


def test_a_page_that_promises_nothing_is_no_listing() -> None:
    pages = Pages()
    pages.read(3, A)
    pages.reads[0] = pages.reads[0]._replace(total=None)

    assert complete(pages) is None


def test_a_page_with_an_unreadable_row_is_no_listing() -> None:
    pages = Pages()
    pages.read(3, A, unread=1)

    assert complete(pages) is None


def test_a_leg_on_two_pages_is_no_listing() -> None:
    pages = Pages()
    pages.read(3, A, page=1, total=2)
    pages.read(4, A, page=2, total=2)

    assert complete(pages) is None


def test_a_row_repeated_within_a_page_counts_as_a_row() -> None:
    pages = Pages()
    pages.read(3, A, total=2, rows=2)

    assert complete(pages) == at(3)


def test_the_latest_read_of_each_page_counts() -> None:
    pages = Pages()
    pages.read(3, A, total=2)
    pages.read(4, A, B)

    assert complete(pages) == at(4)


def test_one_transactions_rows_and_a_webhooks_are_no_page() -> None:
    pages = Pages()
    pages.read(3, A, page=None, origin="transaction")
    pages.read(4, A, page=None, origin="webhook")

    assert complete(pages) is None


def test_a_listing_stays_complete_when_it_drifts() -> None:
    pages = Pages()
    pages.read(3, A)
    pages.read(5, A, B)
    pages.read(7, A, B, C)

    listing = pages.survey()

    assert (listing.complete_at, listing.drifted_at) == (at(3), at(5))


def test_a_page_that_promises_another_total_is_drift() -> None:
    pages = Pages()
    pages.read(3, A)
    pages.read(5, A, total=2)

    assert pages.survey().drifted_at == at(5)


def test_the_same_page_read_again_is_no_drift() -> None:
    pages = Pages()
    first = pages.read(3, A)
    pages.read(5, A, same_as=first)

    assert pages.survey().drifted_at is None


def test_a_row_that_a_whole_listing_lacks_has_vanished() -> None:
    pages = Pages()
    pages.read(1, A, B, page=None, origin="transaction")
    pages.read(5, A)
    pages.read(7, C)

    assert pages.survey(ended=4).vanished == ((A, at(7)), (B, at(5)))


def test_of_two_reads_of_a_page_at_one_moment_the_smaller_counts_in_any_order() -> None:
    pages = Pages()
    pages.read(3, A, B)
    pages.read(3, A)

    assert pages.survey() == Listing(complete_at=at(3), vanished=((B, at(3)),))


def test_of_two_alike_the_one_that_was_read_whole_counts_in_any_order() -> None:
    pages = Pages()
    pages.read(3, A, total=2, rows=2, unread=1)
    pages.read(3, A, total=2, rows=2)

    assert complete(pages) == at(3)


def test_figures_that_are_missing_are_ordered_too() -> None:
    pages = Pages()
    for _ in range(2):
        pages.read(3, A, size=None)
    pages.reads[0] = pages.reads[0]._replace(total=None)

    assert complete(pages) is None


def test_what_is_shown_is_the_latest_promise_and_the_rows_of_all_pages() -> None:
    pages = Pages()
    pages.read(3, A, page=1, total=134)
    pages.read(4, B, C, page=2, total=135)
    pages.read(4, A, page=None, origin="transaction")

    assert shown(pages.reads, at=at(5)) == (135, 3)
    assert shown(pages.reads, at=at(3)) == (134, 1)
    assert shown(pages.reads, at=at(2)) == (None, None)
