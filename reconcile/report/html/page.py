"""The report as one HTML file: no request leaves it, it can be mailed and printed."""

from collections.abc import Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from reconcile.errors import UsageError
from reconcile.report.build import Report, ReportStream
from reconcile.report.html.figures import known_zone


def to_html(
    report: Report | ReportStream,
    *,
    customers: Mapping[str, str] | None = None,
    zone: str | ZoneInfo | None = None,
) -> Iterator[bytes]:
    """Yield the report as a page in UTF-8, in pieces of bounded size.

    It lists what is broken, open or ended by a person, up to `tally.LISTED_MAX` of
    each; every figure is of all. `customers` are display names by company id. With a
    `zone` (its IANA name) moments are shown in it beside UTC. The same report gives
    the same bytes.

    Raises:
        UsageError: the report lacks items, the zone is not known, or a package of the
            extra `cli` or `console` is missing.

    """
    place = known_zone(zone) if isinstance(zone, str) else zone
    try:
        from reconcile.report.html.render import pieces  # noqa: PLC0415 - an extra's
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        raise UsageError(
            f"the report as HTML needs the package {package}:"
            " install codat-reconcile[cli]"
        ) from error
    return pieces(report, customers=customers, zone=place)


_PACKAGES: Final = {"svg": "svg.py"}  # whose name is another than their module's
