"""The columns of an export, and events as Arrow's tables and back.

Without it, writer and reader could disagree on what stands where. Arrow is imported
where it is needed alone: it is an extra.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from reconcile.errors import UsageError
from reconcile.storage.ports import StoredEvent

COLUMNS = (
    "company_id",
    "position",
    "stream",
    "version",
    "topic",
    "recorded_at",
    "payload",
    "damaged",
)
"""Their meaning and types are in `docs/reference/export.md`."""


def arrow() -> tuple[ModuleType, ModuleType]:
    """Return Arrow and its Parquet.

    Raises:
        UsageError: the extra is not installed.

    """
    try:
        import_module("pyarrow.compute")
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        raise UsageError(
            f"exports need the package {name}: install codat-reconcile[parquet]"
        ) from error


def schema() -> Any:
    """Return the columns as Arrow names and types them."""
    pa, _ = arrow()
    words = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            pa.field("company_id", pa.string(), nullable=False),
            pa.field("position", pa.int64(), nullable=False),
            pa.field("stream", pa.string(), nullable=False),
            pa.field("version", pa.int64(), nullable=False),
            pa.field("topic", words, nullable=False),
            pa.field("recorded_at", pa.timestamp("us", "UTC"), nullable=False),
            pa.field("payload", pa.string()),
            pa.field("damaged", pa.binary()),
        ]
    )


def table_of(rows: Sequence[tuple[str, StoredEvent]]) -> Any:
    """Return events, each with its company, as a table."""
    pa, _ = arrow()
    columns = schema()
    texts = [text_of(event.state) for _, event in rows]
    values = [
        [company_id for company_id, _ in rows],
        [event.position for _, event in rows],
        [event.stream for _, event in rows],
        [event.version for _, event in rows],
        [event.topic for _, event in rows],
        [event.recorded_at for _, event in rows],
        texts,
        [
            event.state if text is None else None
            for (_, event), text in zip(rows, texts, strict=True)
        ],
    ]
    return pa.table(
        [
            pa.array(column, type=field.type)
            for column, field in zip(values, columns, strict=True)
        ],
        schema=columns,
    )


def text_of(state: bytes) -> str | None:
    """Return a payload as text, None where it is damaged."""
    try:
        return state.decode()
    except UnicodeDecodeError:
        return None


def events_in(table: Any) -> Iterator[StoredEvent]:
    """Yield the events of a table, in its order."""
    pa, _ = arrow()
    columns = [
        table.column("position").to_pylist(),
        table.column("stream").to_pylist(),
        table.column("version").to_pylist(),
        table.column("topic").to_pylist(),
        table.column("payload").cast(pa.binary()).to_pylist(),
        table.column("damaged").to_pylist(),
        table.column("recorded_at").cast(pa.int64()).to_pylist(),
    ]
    for position, stream, version, topic, payload, damaged, recorded_at in zip(
        *columns, strict=True
    ):
        state = damaged if payload is None else payload
        yield StoredEvent(position, stream, version, topic, state or b"", recorded_at)
