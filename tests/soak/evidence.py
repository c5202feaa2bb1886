"""What a store holds of the deliveries that were acknowledged: all, once, unchanged.

Read by SQL, from outside: what is asked is whether the promise was kept, so nothing of
the code that gives it answers for it.
"""

import hashlib
import sqlite3
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path

SHOWN_MAX = 5


def lost_from(store: Path, acknowledged: Iterable[bytes]) -> Iterator[str]:
    """Yield every acknowledged delivery that a store has not, or has not whole."""
    query = (
        "SELECT bodies.digest, bodies.content FROM evidence"
        " JOIN bodies ON bodies.digest = evidence.request_body"
        " WHERE evidence.identity = ? AND evidence.kind = 'delivery'"
    )
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        for identity in acknowledged:
            row = db.execute(query, (identity,)).fetchone()
            if row is None:
                yield (
                    f"delivery {identity.hex()} was acknowledged,"
                    f" and is not in {store.name}"
                )
            elif hashlib.sha256(zlib.decompress(row[1])).digest() != row[0]:
                yield f"the body of delivery {identity.hex()} is another by now"


def facts_beside(store: Path, offered: Collection[bytes]) -> Iterator[str]:
    """Yield what a store has of deliveries that nobody made, or more than once."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT identity FROM evidence WHERE kind = 'delivery'")
        result = Counter(identity for (identity,) in rows)
        sound = [word for (word,) in db.execute("PRAGMA integrity_check")]
    for identity, times in result.items():
        if identity not in offered:
            yield f"delivery {identity.hex()} is in the store, and nobody made it"
        if times > 1:
            yield f"delivery {identity.hex()} is in the store {times} times"
    if sound != ["ok"]:
        yield f"the store is damaged: {sound[:SHOWN_MAX]}"
