"""What Codat does not publish, or contradicts: our choices, each one a setting."""

from typing import Literal

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """How the sandbox behaves where Codat's documents leave it open.

    The default is what both official SDKs can read; `AS_DOCUMENTED` is what the page's
    samples show. `docs/reference/sandbox.md` gives the reason of each.
    """

    integration_type: Literal["expenses", "expense"] = "expenses"
    links: Literal["_links", "links"] = "_links"
    second_sync: Literal["queued", "refused"] = "queued"  # queued since 2023-09
    duplicates: Literal["sync", "call"] = "sync"  # where protection says no
    timed_out: Literal["Unknown", "PushError"] = "Unknown"  # PushError: it may lie
    no_sync_yet: int = 404  # of `latest` and `lastSuccessful`
    strict: bool = False  # companies must have been created, keys must be right
    api_keys: tuple[str, ...] = ()  # none: any
    queue_s: float = 1
    prepare_s: float = 3  # fetching, validating, mapping
    push_s: float = 0.5  # each leg
    settle_s: float = 900  # until a write that timed out is known to be there, or not
    quotas: bool = True
    calls_per_day: int = 1000  # for the account, and again for each active company
    calls_per_minute: int = 1000
    reset: Literal["date", "seconds"] = "date"  # X-Rate-Limit-Reset
    retry_after: Literal["date", "seconds"] = "seconds"
    completed_rule: Literal["successful", "any"] = "successful"  # any: since 2024-01
    webhook_rows: bool = True  # the current service's `transactions`
    webhook_names: Literal["webhook", "svix"] = "webhook"  # of the signature's headers


AS_DOCUMENTED = Settings(integration_type="expense")
