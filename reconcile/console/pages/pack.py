"""The evidence pack: expenses, their stories and the bytes behind them, in one file."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import attrs
from starlette.responses import Response

from reconcile.console.cuts import CUT_WORDS, cut_of, words_of_cut
from reconcile.console.files import json_bytes
from reconcile.console.pages.evidence import shown_bytes
from reconcile.console.pages.expense_files import expenses_csv
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.spools import download
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.reconciler import Reconciler
from reconcile.report.gather import Reporting
from reconcile.report.story import SCHEMA as STORY_SCHEMA
from reconcile.report.story import Story, story_data

SCHEMA: Final = "reconcile.console.pack/1"
PACK_MAX: Final = 200
"""Of more expenses than these there is no pack: their stories take too long."""
BYTES_MAX: Final = 64 * 2**20
"""So much evidence goes into a pack; what is beyond is named and left out."""
_LASTS_S: Final = 60.0
_README: Final = """\
An evidence pack: some expenses, how each came to stand as it does, and the bytes that
say so.

expenses.csv    The expenses, a line each.
stories.json    The story of each: what was said and decided, and what was judged of it,
                as `reconcile explain --format json` gives it. "digest" names bytes.
evidence/       The bytes by the SHA-256 under which they were recorded. What is secret
                is struck out of the copies here, so that some have another SHA-256 now:
                manifest.json has both.
manifest.json   The moment, the rules and the digest of all figures, and each file.

The same expenses, moments and rules give the same digest on any machine.
"""


def view(visit: Visit) -> Response:
    """Give the pack of the expenses that an address asks for.

    Raises:
        PageError: there are none of them, or too many (400).
        StillCounting: it takes longer than a page waits.

    """
    cut, sheet = cut_of(visit.asking), visit.sheet
    number = sheet.count(cut)
    if not 1 <= number <= PACK_MAX:
        raise PageError(
            400,
            f"A pack is of 1 to {PACK_MAX} expenses, and {number:,} are asked for;"
            " filter the list down to what you need.",
        )
    named: dict[str, list[str]] = {}
    for line in sheet.every_line(cut):
        named.setdefault(line.company_id, []).append(line.transaction_id)
    asking, as_of = visit.asking, sheet.as_of
    table = b"".join(expenses_csv(visit, cut))
    head = _head(visit)

    def work(books: Reconciler) -> bytes:
        stories = _stories(books, named, as_of=as_of, known_at=asking.known_at)
        return packed(books, stories, table=table, head=head)

    key = ("pack", cut, asking.as_of, asking.known_at)
    body = visit.jobs.result(key, work, lasts_s=_LASTS_S)
    name = f"evidence-{as_of:%Y-%m-%d}.zip"
    return download([body], name=name, media_type="application/zip")


def _head(visit: Visit) -> Mapping[str, Any]:
    """Return what the pack stands on."""
    return {
        "schema": SCHEMA,
        **visit.sheet.footing.data("ruleset", "policy", "digest"),
        "filter": words_of_cut(cut_of(visit.asking)),
    }


def _stories(
    books: Reconciler,
    named: Mapping[str, Sequence[str]],
    *,
    as_of: datetime,
    known_at: datetime | None,
) -> list[Story]:
    """Return the stories of expenses; each of their companies is replayed once."""
    reporting = Reporting(store=books.store, policy=books.policy, rules=books.rules)
    return [
        story
        for company_id, names in named.items()
        for story in reporting.stories_of(
            names, company_id=company_id, as_of=as_of, known_at=known_at
        )
    ]


@attrs.frozen(kw_only=True)
class PackedFile:
    """One file of a pack; `recorded` is under which SHA-256 its bytes are stored."""

    name: str
    body: bytes
    recorded: str | None = None

    def data(self) -> Mapping[str, Any]:
        """Return what the manifest says of it."""
        digest = hashlib.sha256(self.body).hexdigest()
        recorded = {} if self.recorded is None else {"recorded": self.recorded}
        return {
            "name": self.name,
            "bytes": len(self.body),
            "sha256": digest,
            **recorded,
        }


def packed(
    books: Reconciler,
    stories: Sequence[Story],
    *,
    table: bytes,
    head: Mapping[str, Any],
) -> bytes:
    """Return the pack as a ZIP file; the same content is the same bytes."""
    data = {"schema": STORY_SCHEMA, "stories": [*map(story_data, stories)]}
    wanted = {e.digest: None for story in stories for e in story.entries if e.digest}
    files = [
        PackedFile(name="README.txt", body=_README.encode()),
        PackedFile(name="expenses.csv", body=table),
        PackedFile(name="stories.json", body=json_bytes(data)),
    ]
    left_out: list[str] = []
    room = BYTES_MAX
    for digest, body in _bytes_of(books, [*wanted]):
        if body is None or len(body) > room:
            left_out.append(digest)
            continue
        room -= len(body)
        name = f"evidence/{digest}.txt"
        files.append(PackedFile(name=name, body=body, recorded=digest))
    manifest = {
        **head,
        "files": [file.data() for file in files],
        "left_out": left_out,
    }
    files.append(PackedFile(name="manifest.json", body=json_bytes(manifest)))
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(
                zipfile.ZipInfo(file.name), file.body, zipfile.ZIP_DEFLATED
            )
    return whole.getvalue()


def _bytes_of(
    books: Reconciler, digests: Sequence[str]
) -> Iterator[tuple[str, bytes | None]]:
    store = books.store
    quarantine = quarantine_at(store, until=store.position())
    for digest in digests:
        yield digest, shown_bytes(store, digest, quarantine)


PAGE = Page(
    path="/audit/pack.zip",
    name="pack",
    view=view,
    words=(*CUT_WORDS, "as_of", "known_at"),
    reads_sheet=True,
)
