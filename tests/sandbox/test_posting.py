"""A leg in the accounting software: what it says, and whether that is the last word."""

import pytest

from reconcile.sandbox import Company
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.posting import Trouble, post
from reconcile.sandbox.world import Transaction
from tests.builders import NINE

EXPENSE = Transaction(transaction_id="t1", kind="expense", given={})


@pytest.mark.parametrize("word", ["Unknown", "PushError", "Pending"])
@pytest.mark.parametrize(
    ("trouble", "writes", "settles"),
    [
        (None, True, False),
        (Trouble.BROKEN, False, False),
        (Trouble.TIMED_OUT, False, True),
        (Trouble.TIMED_OUT_WRITTEN, True, True),
    ],
)
def test_what_timed_out_settles_later_whatever_its_word_and_message(
    trouble: Trouble | None, writes: bool, settles: bool, word: str
) -> None:
    posting = post(
        Company(company_id="c1", name="A", created_at=NINE),
        EXPENSE,
        "expense",
        trouble=trouble,
        chance=Chance(1),
        timed_out=word,
    )

    assert (posting.writes, posting.settles) == (writes, settles)
