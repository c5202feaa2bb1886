"""Leases and refused deliveries, on every engine."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from reconcile.storage.opening import open_store
from reconcile.storage.ports import Store
from reconcile.storage.refused import (
    BODY_KEPT_BYTES_MAX,
    BYTES_MAX,
    ROWS_MAX,
    UntrustedDelivery,
)
from tests.builders import at

LASTS = timedelta(minutes=5)


def refused(body: bytes, *, reason: str = "no signature") -> UntrustedDelivery:
    return UntrustedDelivery.of(
        body,
        received_at=at(0),
        reason=reason,
        headers=(("webhook-id", "m1"),),
        keep_body=True,
    )


def test_a_lease_is_one_holders_until_it_ends(store: Store) -> None:
    mine, yours = store.leases("mine"), store.leases("yours")

    assert mine.take("read", now=at(0), lasts=LASTS)
    assert not yours.take("read", now=at(4), lasts=LASTS)
    assert yours.take("write", now=at(4), lasts=LASTS)
    assert mine.take("read", now=at(4), lasts=LASTS)  # a holder's own goes on
    assert not yours.take("read", now=at(8), lasts=LASTS)
    assert yours.take("read", now=at(9), lasts=LASTS)
    assert not mine.take("read", now=at(10), lasts=LASTS)


def test_a_lease_by_a_clock_that_had_jumped_ahead_holds_nobody_up(
    store: Store,
) -> None:
    mine, yours = store.leases("mine"), store.leases("yours")

    assert mine.take("read", now=at(60 * 24), lasts=LASTS)
    assert yours.take("read", now=at(0), lasts=LASTS)


def test_by_the_stores_own_clock_a_lease_is_running_or_over(store: Store) -> None:
    mine, yours = store.leases("mine"), store.leases("yours")

    assert mine.take("read", now=None, lasts=LASTS)
    assert not yours.take("read", now=None, lasts=LASTS)
    assert mine.take("over", now=None, lasts=timedelta())
    assert yours.take("over", now=None, lasts=LASTS)


def test_work_that_was_given_back_is_free_and_says_when_it_was_done(
    store: Store,
) -> None:
    mine, yours = store.leases("mine"), store.leases("yours")
    for name in ("done", "not done"):
        assert mine.take(name, now=at(0), lasts=LASTS)

    mine.leave("done", done=at(1))
    mine.leave("not done", done=None)

    assert mine.all_done() == yours.all_done() == {"done": at(1)}
    assert (yours.done("done"), yours.done("not done")) == (at(1), None)
    assert yours.take("done", now=at(1), lasts=LASTS)
    assert yours.take("not done", now=at(1), lasts=LASTS)
    yours.leave("done", done=None)
    assert mine.done("done") == at(1)  # what was done stays done


def test_a_lease_that_another_took_over_is_not_given_back(store: Store) -> None:
    mine, yours = store.leases("mine"), store.leases("yours")
    assert mine.take("read", now=at(0), lasts=LASTS)
    assert yours.take("read", now=at(6), lasts=LASTS)

    mine.leave("read", done=at(7))

    assert not mine.take("read", now=at(7), lasts=LASTS)
    assert yours.done("read") is None


def test_of_many_who_want_a_lease_at_once_one_gets_it(
    store_url: str,
) -> None:
    open_store(store_url, create=True).close()

    def take(holder: int) -> list[bool]:
        with open_store(store_url, create=False) as mine:
            leases = mine.leases(f"holder {holder}")
            return [leases.take(f"{n}", now=at(0), lasts=LASTS) for n in range(20)]

    with ThreadPoolExecutor(4) as threads:
        taken = [*threads.map(take, range(4))]

    assert [sum(each) for each in zip(*taken, strict=True)] == [1] * 20


def test_refused_deliveries_come_back_newest_first(store: Store) -> None:
    deliveries = [refused(b"\x00\xff", reason=f"reason {n}") for n in range(3)]
    store.untrusted().keep(deliveries[:1])
    store.untrusted().keep([])
    store.untrusted().keep(deliveries[1:])

    assert [*store.untrusted().newest_first()] == deliveries[::-1]
    assert store.untrusted().counted() == 3


def test_the_oldest_refused_make_room_and_are_still_counted(store: Store) -> None:
    apart = store.untrusted()
    apart.keep([refused(b"%d" % n) for n in range(ROWS_MAX)])

    apart.keep([refused(b"news")])

    found = [*apart.newest_first()]
    assert (len(found), apart.counted()) == (ROWS_MAX, ROWS_MAX + 1)
    assert (found[0].body, found[-1].body) == (b"news", b"1")


def test_refused_bodies_are_bounded_in_bytes(store: Store) -> None:
    """Noise does not compress: what is stored is as long as what came."""
    noise = [
        refused(number.to_bytes(2, "big") * 4 + noise_of(number))
        for number in range(70)
    ]
    store.untrusted().keep(noise)

    found = [*store.untrusted().newest_first()]

    assert 0 < len(found) < 70
    assert sum(len(delivery.body or b"") for delivery in found) <= BYTES_MAX
    assert found[0] == noise[-1]


def noise_of(seed: int) -> bytes:
    return random.Random(seed).randbytes(BODY_KEPT_BYTES_MAX - 8)


def test_refused_bodies_that_a_test_refuses_are_taken_out(store: Store) -> None:
    store.untrusted().keep([refused(b"ours"), refused(b"theirs")])

    assert store.untrusted().forget_bodies(unless=lambda body: body == b"ours") == 1
    bodies = [delivery.body for delivery in store.untrusted().newest_first()]
    assert bodies == [None, b"ours"]
    digests = {delivery.body_digest for delivery in store.untrusted().newest_first()}
    assert len(digests) == 2  # which still says what it was
