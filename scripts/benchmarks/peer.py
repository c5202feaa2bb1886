"""A peer: upserts as one writes them with SQLAlchemy Core, and no history at all."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Column, MetaData, String, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert

from scripts.benchmarks import floors


def decode_and_upsert(lines: Iterable[bytes], path: Path) -> None:
    """Write the latest facts to four tables: durable, 2,000 rows a commit."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda db, _: floors.set_up(db))
    tables = MetaData()
    upserts: dict[str, Any] = {}
    for name, columns in floors.COLUMNS.items():
        keys = columns[: floors.KEYS[name]]
        table = Table(
            name,
            tables,
            *(Column(column, String, primary_key=column in keys) for column in columns),
            sqlite_with_rowid=False,
        )
        found = insert(table)
        rest = columns[floors.KEYS[name] :]
        upserts[name] = found.on_conflict_do_update(
            index_elements=keys, set_={c: found.excluded[c] for c in rest}
        )
    tables.create_all(engine)

    def keep(facts: floors.Facts) -> None:
        with engine.begin() as db:
            for name, rows in facts.items():
                columns = floors.COLUMNS[name]
                if rows:
                    named = [dict(zip(columns, row, strict=True)) for row in rows]
                    db.execute(upserts[name], named)

    floors.commits(lines, keep)
    engine.dispose()
