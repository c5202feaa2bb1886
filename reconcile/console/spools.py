"""Downloads: written whole to a temporary file, then sent piece by piece.

What is sent is complete: an error on the way gives a page of the error, never half a
file; and nobody who reads slowly holds the store.
"""

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

from starlette.responses import StreamingResponse

_IN_MEMORY: Final = 2**20
_PIECE: Final = 2**16


def download(
    pieces: Iterable[bytes], *, name: str, media_type: str
) -> StreamingResponse:
    """Return an answer that a browser saves as a file of that name."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - sent later
    try:
        for piece in pieces:
            file.write(piece)
        length = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(
        _read(file),
        media_type=media_type,
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "content-length": f"{length}",
        },
    )


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
