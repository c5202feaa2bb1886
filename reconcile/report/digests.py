"""The digest of a report, by those of its companies' shares."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from reconcile.domain.instants import format_instant

SCHEMA: Final = "reconcile.report/2"
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def digest_of_companies(
    companies: Iterable[tuple[str, str]],
    *,
    as_of: datetime,
    ruleset: str,
    policy: str,
    unprocessed: int,
) -> str:
    """Return the digest of the report of companies' shares, by ids and digests."""
    signed = {
        "schema": SCHEMA,
        "as_of": format_instant(as_of),
        "ruleset": ruleset,
        "policy": policy,
        "unprocessed": unprocessed,
        "companies": sorted(companies),
    }
    return f"sha256:{hashlib.sha256(_encode(signed)).hexdigest()}"
