"""The exception tree: what can go wrong, by who can mend it.

ReconcileError
├── UsageError           the caller asked for something that cannot be
├── BoundaryError        the edge with Codat was not as documented
│   └── PayloadError       .path, .digest
└── HistoryError         our own history contradicts itself: stop, do not repair
    └── StoreError         the store cannot be opened, read or written
"""


class ReconcileError(Exception):
    """The base of every error this library raises on purpose."""


class UsageError(ReconcileError):
    """The caller asked for something that cannot be; the text says what."""


class BoundaryError(ReconcileError):
    """The edge with Codat was not as documented."""


class PayloadError(BoundaryError):
    """A body, or the capture around it, that cannot be read.

    `path` names the place inside the body; `digest` is the SHA-256 (hex) of the bytes
    that could not be read, or empty where the raiser did not have them.
    """

    def __init__(self, reason: str, *, path: str = "", digest: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path
        self.digest = digest


class HistoryError(ReconcileError):
    """Our own history contradicts itself: stop, do not repair."""


class StoreError(HistoryError):
    """The store cannot be opened, read or written; the text says why."""
