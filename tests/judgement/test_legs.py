"""One leg within one sync: section 4 of the judgement page."""

from reconcile.domain.vocabulary import WordClass
from reconcile.judgement.legs import Said, Settled, settle
from tests.builders import at

WORDS = {"P": "Pending", "C": "Completed", "F": "PushError", "V": "ValidationError"}


def reports(ledger: str) -> list[Said]:
    """Return reports written as `P1 C2`: a word's letter and the minute it was said."""
    result = (item.partition("@") for item in ledger.replace("_", " ").split())
    return [
        (WORDS.get(word[0], "Paused"), message or None, at(float(word[1:])))
        for word, _, message in result
    ]


def settled(ledger: str, minute: float = 100) -> Settled:
    """Return the word that stands."""
    leg = settle(reports(ledger), at=at(minute))
    assert leg is not None
    return leg


def test_nothing_stands_before_the_first_report() -> None:
    assert settle(reports("C2"), at=at(1)) is None


def test_a_report_at_the_very_moment_counts() -> None:
    assert settled("C2", 2).word == "Completed"


def test_the_latest_undecided_word_stands_while_nothing_is_decided() -> None:
    leg = settled("P1 P3 P2")

    assert (leg.word_class, leg.at) == (WordClass.UNDECIDED, at(3))


def test_a_decision_outlives_later_undecided_words() -> None:
    leg = settled("P1 C2 P3")

    assert (leg.word, leg.at) == ("Completed", at(2))


def test_one_more_undecided_word_between_changes_nothing() -> None:
    assert settled("P1 C2 P2.5 P3") == settled("P1 C2 P3")


def test_the_latest_decision_wins() -> None:
    assert settled("F1 C2").word == "Completed"
    assert settled("C2 F1").word == "Completed"


def test_a_later_unrecognised_word_outranks_a_decision() -> None:
    leg = settled("C1 ?2")

    assert (leg.word_class, leg.regressed) == (WordClass.UNRECOGNISED, False)


def test_two_classes_at_the_latest_time_conflict_and_the_worse_is_shown() -> None:
    leg = settled("C2 F2")

    assert (leg.conflicting, leg.word) == (True, "PushError")


def test_an_unrecognised_word_is_the_worst() -> None:
    assert settled("C2 F2 ?2").word == "Paused"


def test_an_undecided_word_at_the_time_of_a_decision_is_no_conflict() -> None:
    leg = settled("P2 C2")

    assert (leg.conflicting, leg.word) == (False, "Completed")


def test_an_undecided_and_an_unrecognised_word_at_one_time_conflict() -> None:
    assert settled("P2 ?2").conflicting


def test_a_conflict_that_a_later_word_settled_is_over() -> None:
    leg = settled("C2 F2 C3")

    assert (leg.conflicting, leg.word) == (False, "Completed")


def test_of_equal_time_and_class_the_smallest_text_is_shown() -> None:
    assert settled("V2 F2").word == "PushError"
    assert settled("F2@b F2@a").message == "a"


def test_no_message_comes_before_an_empty_one_in_any_order() -> None:
    none, empty = ("PushError", None, at(2)), ("PushError", "", at(2))

    item = settle([none, empty], at=at(3))
    other = settle([empty, none], at=at(3))

    assert item == other
    assert item is not None
    assert item.message is None


def test_a_leg_that_fails_after_it_was_written_has_regressed() -> None:
    assert settled("C1 F2").regressed


def test_a_leg_written_and_failed_at_one_time_has_not_regressed() -> None:
    assert not settled("C2 F2").regressed


def test_a_leg_that_failed_before_it_was_written_has_not_regressed() -> None:
    assert not settled("F1 C2").regressed
