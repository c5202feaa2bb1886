"""The exception tree: what can go wrong, by who can mend it.

ReconcileError
├── UsageError           the caller asked for something that cannot be
├── InDoubtError         a request in doubt names the same: .request_id
├── BusyError            a sync runs that excludes it, or writes the same: .sync_id
├── WorkersLostError     worker processes ended before their work was done
├── BoundaryError        the edge with Codat was not as documented
│   ├── PayloadError       .path, .digest
│   ├── SignatureError     nothing shows that Codat sent it
│   └── CodatUnavailable   .safe_to_resend, .status, .wait_s
└── HistoryError         our own history contradicts itself: stop, do not repair
    └── StoreError         the store cannot be opened, read or written
        ├── NoStoreError     nothing is there yet
        └── StoreLostError   its file was deleted, moved or replaced: .why
            └── StoreAwayError   its server cannot be reached: .why
"""


class ReconcileError(Exception):
    """The base of every error this library raises on purpose."""


class UsageError(ReconcileError):
    """The caller asked for something that cannot be; the text says what."""


class InDoubtError(ReconcileError):
    """A request in doubt names the same; `request_id` says which."""

    def __init__(self, reason: str, *, request_id: str) -> None:
        super().__init__(reason)
        self.request_id = request_id


class NotToBeSentError(ReconcileError):
    """Expenses are in the books, or wait; `transaction_ids` are those."""

    def __init__(self, reason: str, *, transaction_ids: tuple[str, ...]) -> None:
        super().__init__(reason)
        self.transaction_ids = transaction_ids


class AlreadyMadeError(UsageError):
    """A request of that id was made before: by us, or by another worker."""


class BusyError(ReconcileError):
    """A sync runs that excludes what was asked for, or that writes the same."""

    def __init__(self, reason: str, *, sync_id: str | None) -> None:
        super().__init__(reason)
        self.sync_id = sync_id


class WorkersLostError(ReconcileError):
    """Worker processes ended before their work was done, and so did the next ones."""


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


class CodatUnavailable(BoundaryError):  # noqa: N818 - named in the style guide
    """No usable answer came: none at all, an error of the server's, or a web page.

    `safe_to_resend` is True only where it is certain that Codat did not carry the
    request out: nothing was sent, or the rate limit turned it away. `status` is the
    answer's, 0 where none arrived. `wait_s` is how long to wait first, where Codat or
    our own quota says so.
    """

    def __init__(
        self,
        reason: str,
        *,
        safe_to_resend: bool = False,
        status: int = 0,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.safe_to_resend = safe_to_resend
        self.status = status
        self.wait_s = wait_s


class SignatureError(BoundaryError):
    """A delivery that nothing shows to be Codat's; the text says why."""


class HistoryError(ReconcileError):
    """Our own history contradicts itself: stop, do not repair."""


class StoreError(HistoryError):
    """The store cannot be opened, read or written; the text says why."""


class NoStoreError(StoreError):
    """Nothing is there that could be opened; whoever may create a store can."""


class StoreLostError(StoreError):
    """The file behind an open store is no longer the one it was opened on.

    `why` says what became of it, without its path. What was being written is not kept,
    and nothing is made in its place; a store that is put back is taken up again.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} {self._STATE}: {why}")
        self.why = why

    _STATE = "is lost"


class StoreAwayError(StoreLostError):
    """The server of an open store cannot be reached; `why` says what was answered.

    What was being written may be there all the same: whoever tries again finds out.
    """

    _STATE = "cannot be reached"
