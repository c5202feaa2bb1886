"""Law 1 on the pure folds: a report is a function of the set of distinct evidence."""

import json
import random
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconcile.domain.instants import parse_instant
from tests.builders import at
from tests.judgement.memory import reports_of
from tests.strategies import crowded, traffic

MOMENTS = (at(0), at(2), at(7), at(20), at(60 * 29), at(60 * 60))
TRAFFIC = st.one_of(crowded(), crowded(5), traffic(8))
SEEDS = st.integers(0, 2**32)


@given(lines=TRAFFIC, seed=SEEDS)
def test_order_and_repetition_do_not_matter(lines: list[bytes], seed: int) -> None:
    chance = random.Random(seed)
    shuffled = lines + chance.choices(lines, k=len(lines) // 2) if lines else []
    chance.shuffle(shuffled)

    before = reports_of(lines, MOMENTS)
    again = reports_of(shuffled, MOMENTS)

    assert again == before


@given(lines=TRAFFIC, seed=SEEDS)
def test_a_redelivery_later_in_time_changes_nothing(
    lines: list[bytes], seed: int
) -> None:
    chance = random.Random(seed)
    doubled = lines + [
        moved(hook, chance.choice([1, 60, 1500])) for hook in hooks(lines)
    ]
    chance.shuffle(doubled)

    before = reports_of(lines, MOMENTS)
    again = reports_of(doubled, MOMENTS)

    assert again == before


@given(lines=TRAFFIC, seed=SEEDS)
def test_the_same_body_at_two_times_is_two_facts_in_any_order(
    lines: list[bytes], seed: int
) -> None:
    chance = random.Random(seed)
    lines = [*lines, *(moved(read, chance.choice([0, 1, 7])) for read in reads(lines))]
    shuffled = chance.sample(lines, k=len(lines))

    before = reports_of(lines, MOMENTS)
    again = reports_of(shuffled, MOMENTS)

    assert again == before


@given(lines=TRAFFIC, moment=st.sampled_from(MOMENTS))
def test_facts_after_a_moment_change_nothing_as_of_it(
    lines: list[bytes], moment: datetime
) -> None:
    before = reports_of(lines, [moment])
    without = reports_of([line for line in lines if known_by(line, moment)], [moment])

    assert without == before


def moved(line: bytes, minutes: float) -> bytes:
    """Return a captured line as it would stand so many minutes later."""
    data = json.loads(line)
    moment = parse_instant(data["startedDateTime"])
    assert moment is not None
    data["startedDateTime"] = (moment + timedelta(minutes=minutes)).isoformat()
    return json.dumps(data).encode()


def hooks(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b"backoffice.example" in line]


def reads(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b"api.codat.io" in line]


def known_by(line: bytes, moment: datetime) -> bool:
    """Return whether a line's effective time is no later than a moment."""
    if b"startedDateTime" not in line:
        return True
    data = json.loads(line)
    times = [parse_instant(data["startedDateTime"])]
    if b"generatedDate" in line:
        body = json.loads(data["request"]["postData"]["text"])
        times.append(parse_instant(body["generatedDate"]))
    return min(time for time in times if time is not None) <= moment
