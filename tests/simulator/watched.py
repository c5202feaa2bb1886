"""What plans send, as it reaches the sandbox: held against the books at that moment."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

from reconcile import RetryPolicy
from reconcile.codat.requests import Request
from reconcile.domain.request import REPLAYED_FOR
from reconcile.domain.vocabulary import OF_ONE_TRY, ItemState
from reconcile.judgement.item import Item
from reconcile.sandbox import Call, Response
from tests.simulator.wire import Wire, name_in

OF_US = (401, 402, 403)  # the answers that our own key or plan is refused
_PUSH = "/data/expense-transactions"
_IN_BOOKS = (ItemState.MATCHED, ItemState.CLEARED)
Row = tuple[str, str]  # a sync, and a transaction that it lists
Sent = tuple[str, str, str]  # a company, an expense, and its content


@attrs.define(kw_only=True)
class WatchedWire(Wire):
    """A wire that knows the calls of plans; `broken` is what it saw go wrong.

    `item_of` tells how the office judges an expense, `read_at` when a row was read
    last. `sent` are the keys of the calls that took one content to the sandbox, `tried`
    of those of which the office cannot be certain that they did not.
    """

    item_of: Callable[[str, str], Item | None]
    read_at: Callable[[], Mapping[Row, datetime]]
    policies: dict[str, RetryPolicy] = attrs.field(factory=dict)  # by a call's key
    sent: dict[Sent, set[str]] = attrs.field(factory=dict)
    tried: dict[Sent, set[str]] = attrs.field(factory=dict)
    broken: list[str] = attrs.field(factory=list)
    _pushed: dict[str, Mapping[str, str]] = attrs.field(factory=dict)
    _arrived: dict[str, datetime] = attrs.field(factory=dict)

    def _written(self, call: Call) -> Response:
        company_id = call.path.partition("/companies/")[2].partition("/")[0]
        key = name_in(call.headers)
        policy = self.policies.get(key)
        contents = self._contents(call)
        if policy is not None and call.method == "POST" and not self._repeats(key):
            self._look(company_id, contents, call.path)
        answer = super()._written(call)
        if answer.status not in (0, 429, *OF_ONE_TRY):  # then nothing was taken
            self._arrived.setdefault(key, self.sandbox.now)
        if call.path.endswith(_PUSH):
            data = json.loads(answer.body or b"{}")
            if answer.status == 200:
                self._pushed[data["datasetId"]] = contents
        elif key in self._arrived:
            self._count(company_id, contents, key, policy)
        return answer

    def _repeats(self, key: str) -> bool:
        """Return whether Codat answers a call as it did before."""
        arrived = self._arrived.get(key)
        return arrived is not None and self.sandbox.now < arrived + REPLAYED_FOR

    def _look(self, company_id: str, names: Iterable[str], path: str) -> None:
        """Note what is booked, and could be known to be."""
        for name in names:
            if not self.sandbox.books.hold(company_id, name):
                continue
            item = self.item_of(company_id, name)
            if item is not None and item.state in _IN_BOOKS:
                self.broken.append(f"{name} is known to be booked, and went to {path}")
            elif not self._hidden(company_id, name):
                self.broken.append(f"{name} could be known, and went to {path}")

    def _hidden(self, company_id: str, name: str) -> bool:
        """Return whether somebody else wrote an expense, and nobody has read it."""
        entry = self.sandbox.books.entry(company_id, name)
        syncs = self.sandbox.companies[company_id].syncs
        read_at = self.read_at()
        for posted in [] if entry is None else entry.legs.values():
            read = read_at.get((posted.sync_id, name))
            ended_at = syncs[posted.sync_id].ended_at
            was_read = read is not None and ended_at is not None and read >= ended_at
            if syncs[posted.sync_id].origin == "portal" and not was_read:
                return True
        return False

    def count_try(self, request: Request) -> None:
        """Count a call with what may have been taken; a dataset alone writes nothing.

        Calls are counted by their keys: to make one again is no other try.
        """
        if request.path.endswith(_PUSH):
            return
        key = name_in({name.lower(): value for name, value in request.headers})
        call = Call(method=request.method, path=request.path, body=request.body or b"")
        for name, content in self._contents(call).items():
            sent = request.company_id, name, content
            self.tried.setdefault(sent, set()).add(key)

    def tries(self, company_id: str, name: str) -> int:
        """Return how often one content of an expense may have been taken, at most."""
        tried = self.tried.items()
        return max(
            (len(keys) for sent, keys in tried if sent[:2] == (company_id, name)),
            default=0,
        )

    def _count(
        self,
        company_id: str,
        contents: Mapping[str, str],
        key: str,
        policy: RetryPolicy | None,
    ) -> None:
        for name, content in contents.items():
            keys = self.sent.setdefault((company_id, name, content), set())
            keys.add(key)
            if policy is not None and len(keys) > policy.per_content:
                most = policy.per_content
                self.broken.append(f"{name} was sent {len(keys)} times, {most} may be")

    def _contents(self, call: Call) -> dict[str, str]:
        """Return what a write says of each expense that it names."""
        data: Any = call.json()
        if call.method == "PUT":
            return {call.path.rpartition("/")[2]: _text(data)}
        if call.path.endswith("/syncs"):
            found: dict[str, str] = {}
            for dataset_id in data["datasetIds"]:
                found.update(self._pushed.get(dataset_id, {}))
            return found
        items = data["items"] if call.path.endswith(_PUSH) else data
        return {item["id"]: _text(item) for item in items}


def _text(data: object) -> str:
    return json.dumps(data, sort_keys=True)
