"""The Dataset stream: what we pushed and expect to see again."""

from datetime import datetime
from typing import Final

import attrs

from reconcile.domain.decider import Decider
from reconcile.domain.events import DatasetPushed
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import DatasetReceipt, ExpectedTransaction

_Pushed = tuple[tuple[ExpectedTransaction, ...], str | None, datetime]


@attrs.frozen(kw_only=True)
class Dataset:
    """What is held of one dataset: each content with each time it was sent."""

    version: int = 0
    pushes: tuple[
        tuple[tuple[ExpectedTransaction, ...], str | None, datetime], ...
    ] = ()


def decide(
    dataset: Dataset, seen: DatasetReceipt, *, evidence: str
) -> tuple[DatasetPushed, ...]:
    """Return what `seen` tells of its dataset that is not held yet."""
    if any(
        content == seen.transactions and request_id == seen.request_id and at == seen.at
        for content, request_id, at in dataset.pushes
    ):
        return ()
    return (
        DatasetPushed(
            transactions=seen.transactions,
            whole=seen.whole,
            request_id=seen.request_id,
            at=seen.at,
            evidence=evidence,
            flaws=seen.flaws,
        ),
    )


def evolve(dataset: Dataset, event: DatasetPushed) -> Dataset:
    """Return `dataset` as it stands after `event`."""
    return Dataset(
        version=dataset.version + 1,
        pushes=(
            *dataset.pushes,
            (event.transactions, event.request_id, event.at),
        ),
    )


def stream_of(seen: DatasetReceipt) -> str:
    """Return the dataset's stream."""
    return stream_name("dataset", seen.company_id, seen.dataset_id)


DECIDER: Final = Decider(
    observations=(DatasetReceipt,),
    initial=Dataset(),
    decide=decide,
    evolve=evolve,
    stream_of=stream_of,
)
