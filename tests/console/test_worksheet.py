"""A worksheet says what the report of the same moment says, step by step."""

from hypothesis import strategies as st

from reconcile import digest
from tests.builders import COMPANY
from tests.console.sheets import assert_is_the_report, office_at
from tests.laws import law
from tests.strategies import traffic

OTHER = "b18d8d81-fd7b-4764-a31e-475cb1f36591"
MINUTES = st.sampled_from([0, 1, 14, 16, 60, 60 * 28, 60 * 28 + 1, 60 * 60])


@law(
    examples=60,
    lines=traffic(),
    waits=st.lists(MINUTES, min_size=4, max_size=4),
    begin=st.sampled_from([0, 10, 60 * 24]),
    twins=st.integers(0, 6),
)
def test_a_worksheet_is_the_report_after_each_event_and_each_deadline(
    url: str, lines: list[bytes], waits: list[int], begin: int, twins: int
) -> None:
    twin = [line.replace(COMPANY.encode(), OTHER.encode()) for line in lines[:twins]]
    everything = [*lines, *twin]
    step = max(1, len(everything) // len(waits))

    with office_at(url) as office:
        office.clock.minutes = begin
        for place, wait in enumerate(waits):
            office.ingest(*everything[place * step : (place + 1) * step])
            for minutes in (0, wait):
                office.clock.minutes += minutes
                with office.sheet() as sheet:
                    report = office.report(sheet.as_of)
                    assert_is_the_report(sheet, report)
                    assert sheet.footing.digest in (None, digest(report))
                    assert sheet.footing.lag == 0
