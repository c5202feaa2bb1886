"""The library's log: shown to nobody until the host gives it a handler, a line each.

Without it, the interpreter would print warnings of ours on standard error, and an id
with a line break could pass for a record. It stands apart because `logging` takes half
of the package's own import.
"""

import logging

from reconcile.foreign import one_line

logging.getLogger("reconcile").addHandler(logging.NullHandler())


def logger(name: str) -> logging.Logger:
    """Return the logger of a part; its records hold text of others as one line."""
    found = logging.getLogger(f"reconcile.{name}")
    if _to_one_line not in found.filters:
        found.addFilter(_to_one_line)
    return found


def _to_one_line(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    plain = one_line(message)
    if plain != message:
        record.msg, record.args = plain, ()
    for name, value in record.__dict__.items():
        if name.startswith("codat_") and isinstance(value, str):
            record.__dict__[name] = one_line(value)
    return True
