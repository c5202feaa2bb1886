"""The view tables that every engine has: columns, keys, and the version of all."""

from typing import Final

from reconcile.projections.contents import CONTENT_COLUMNS
from reconcile.projections.rows import (
    DATASET_COLUMNS,
    ITEM_COLUMNS,
    MENDED_COLUMNS,
    REFUSED_COLUMNS,
    SYNC_COLUMNS,
    Column,
)
from reconcile.storage.ports import ViewTable

VIEWS_VERSION: Final = 10
"""Of what the tables hold; another one makes every store fold its views anew."""
MADE_BY: Final = f"views {VIEWS_VERSION}; "
"""How the label begins that a store's views were made under, by this version."""
ROWS: Final[dict[ViewTable, tuple[Column, ...]]] = {
    "items": ITEM_COLUMNS,
    "contents": CONTENT_COLUMNS,
    "syncs": SYNC_COLUMNS,
    "datasets": DATASET_COLUMNS,
    "refused": REFUSED_COLUMNS,
    "mended": MENDED_COLUMNS,
}
KEYS: Final[dict[ViewTable, str]] = {
    table: columns[1].name for table, columns in ROWS.items()
}
