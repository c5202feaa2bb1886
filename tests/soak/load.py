"""What goes on at once: deliveries, pushes, questions, kills; a thread each."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Final
from uuid import uuid4

import attrs
import httpx

from reconcile.sandbox.signatures import signed
from tests.soak.account import WEBHOOKS_PER_SYNC, Account, drawn_expense
from tests.soak.asking import Asker
from tests.soak.daemons import Daemon
from tests.soak.evidence import lost_from
from tests.soak.plan import Plan
from tests.soak.registry import NO_ANSWER, Registry

SENDERS: Final = 4
AGAIN_S: Final = 0.5  # until what was not acknowledged is delivered again
TWICE: Final = 0.1  # of deliveries that were acknowledged are made again
STOPPED: Final = 0.3  # of those that are ended; the others are killed
BURST: Final = 8  # deliveries at once, while the endpoint is killed
RESENT: Final = 0.25  # of pushes: an earlier file, but for what went before
ASK_EVERY_S: Final = {
    "report": 5,
    "explain": 7,
    "doctor": 15,
    "tie-out": 30,
    "backup": 40,
}
_MINDED: Final = ("store", "views", "quarantine")  # by doctor; the rest is weather


@attrs.define(kw_only=True)
class Load:
    """Everything that is put on a library until it is told to stop."""

    plan: Plan
    account: Account
    registry: Registry
    asker: Asker
    url: str  # where webhooks are taken
    secret: str
    serve: Daemon
    follow: Daemon
    second: Daemon
    victims: tuple[Daemon, ...]  # those that are killed and stopped
    stop: threading.Event = attrs.field(factory=threading.Event)
    pushed: dict[tuple[str, str], None] = attrs.field(factory=dict)
    began: float = 0.0  # monotonic
    _files: list[tuple[str, bytes]] = attrs.field(factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Put it on; at the end, have everything settle and take it off."""
        works: list[Callable[[Random], None]] = [
            *([self._deliver] * SENDERS),
            self._push,
            self._ask,
            self._disturb,
            self._second,
        ]
        threads = [
            threading.Thread(
                target=self._guarded,
                args=(work, Random(f"{self.plan.seed} {number}")),
                name=work.__name__,
            )
            for number, work in enumerate(works)
        ]
        self.began = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def _guarded(self, work: Callable[[Random], None], chance: Random) -> None:
        try:
            work(chance)
        except Exception as error:  # noqa: BLE001 - a soak that does half its work says so
            self.asker.complain(f"the soak's own {work.__name__} ended: {error!r}")

    def _wait(self, chance: Random, span: tuple[float, float]) -> bool:
        """Wait a while, and return whether to go on."""
        return not self.stop.wait(chance.uniform(*span))

    # Deliveries

    def _deliver(self, chance: Random) -> None:
        """Deliver at the rate; what is not acknowledged comes again, until it is."""
        waiting: list[tuple[str, bytes]] = []
        last: tuple[str, bytes] | None = None
        every_s = SENDERS / self.plan.rate
        with httpx.Client(timeout=15.0, trust_env=False) as http:
            while not self.stop.wait(chance.uniform(0.5, 1.5) * every_s):
                if last is not None and chance.random() < TWICE:
                    self._offer(http, *last)
                    continue
                if waiting:
                    delivery = waiting.pop(0)
                else:
                    if chance.random() < 1 / WEBHOOKS_PER_SYNC:
                        self.account.begin_elsewhere(chance)
                    body = self.account.webhook(chance)
                    if body is None:
                        continue
                    delivery = f"msg_{chance.getrandbits(128):032x}", body
                if self._offer(http, *delivery):
                    last = delivery
                else:
                    waiting.append(delivery)
                    self.stop.wait(AGAIN_S)
            for delivery in waiting:
                self._insist(http, *delivery)

    def tell_of_elsewhere(self, unknown: Iterable[str]) -> None:
        """Deliver a webhook of each sync of others that nothing has told of yet.

        A follower looks for those of itself every six hours: longer than a soak.
        """
        with httpx.Client(timeout=15.0, trust_env=False) as http:
            for sync_id in unknown:
                body = self.account.webhook_of_elsewhere(sync_id)
                self._insist(http, f"msg_{uuid4().hex}", body)

    def _insist(self, http: httpx.Client, message_id: str, body: bytes) -> None:
        give_up_at = time.monotonic() + 60
        while not self._offer(http, message_id, body):
            if time.monotonic() > give_up_at:
                self.asker.complain(f"delivery {message_id} was never acknowledged")
                return
            time.sleep(AGAIN_S)

    def _offer(self, http: httpx.Client, message_id: str, body: bytes) -> bool:
        """Deliver once, and return whether it was acknowledged."""
        identity = self.registry.offer(message_id, body)
        headers = signed(
            body, message_id=message_id, at=datetime.now(UTC), secrets=[self.secret]
        )
        try:
            status = http.post(self.url, content=body, headers=[*headers]).status_code
        except httpx.HTTPError:
            status = NO_ANSWER
        self.registry.note(identity, status)
        return status == 204

    # Pushes

    def _push(self, chance: Random) -> None:
        while True:
            if self._files and chance.random() < RESENT:
                company_id, file = chance.choice(self._files)
                more = ["--new-only"]
            else:
                company_id = chance.choice(self.account.companies)
                file = self._file(company_id, chance)
                more = []
            self.asker.ask(
                "push", "-", "--company", company_id, *more, given=file, may=(0, 2)
            )
            if not self._wait(chance, self.plan.push_every_s):
                return

    def _file(self, company_id: str, chance: Random) -> bytes:
        number = chance.randint(1, self.plan.expenses_max)
        items = [drawn_expense(chance) for _ in range(number)]
        self.pushed.update(dict.fromkeys((company_id, item["id"]) for item in items))
        file = json.dumps(items).encode()
        self._files.append((company_id, file))
        return file

    # Questions

    def _ask(self, chance: Random) -> None:
        next_at = dict.fromkeys(ASK_EVERY_S, 0.0)
        known: list[tuple[str, str]] = []
        while not self.stop.wait(0.2):
            for name, every_s in ASK_EVERY_S.items():
                now = time.monotonic() - self.began
                if now < next_at[name] or self.stop.is_set():
                    continue
                next_at[name] = now + every_s
                if name == "report":
                    known = self._report() or known
                elif name == "explain" and known:
                    company_id, item = chance.choice(known)
                    self.asker.ask(
                        "explain", item, "--company", company_id, "--format", "json"
                    )
                elif name == "doctor":
                    self._doctor()
                elif name == "tie-out":
                    self.asker.ask("audit", "tie-out")
                elif name == "backup":
                    self._back_up()

    def _report(self) -> list[tuple[str, str]]:
        report = self.asker.report()
        if report.get("unprocessed") or report.get("poisoned"):
            self.asker.complain("a report rests on evidence that could not be read")
        items = report.get("items", ())
        return [(item["company_id"], item["transaction_id"]) for item in items]

    def _doctor(self) -> None:
        ended = self.asker.ask("doctor", may=(0, 2))
        for line in ended.output.splitlines():
            state, _, rest = line.partition(" ")
            if state == "problem" and rest.strip().startswith(_MINDED):
                self.asker.complain(f"doctor says: {line}")

    def _back_up(self) -> None:
        """Back up; what was acknowledged before it began is in the copy."""
        before = self.registry.acknowledged()
        ended = self.asker.ask("backup", "copy.db")
        if ended.status == 0:
            for line in lost_from(self.asker.folder / "copy.db", before):
                self.asker.complain(line)

    # Kills

    def _disturb(self, chance: Random) -> None:
        """Kill, or stop, and start again; for a share of the time."""
        until = self.began + self.plan.kills_share * self.plan.load_s
        while self._wait(chance, self.plan.kill_every_s) and time.monotonic() < until:
            daemon = chance.choice(self.victims)
            if chance.random() < STOPPED:
                daemon.stop()
            elif daemon is self.serve:
                self._kill_amid_answers(chance)
            else:
                daemon.kill()
            time.sleep(chance.uniform(*self.plan.down_s))
            daemon.start()

    def _kill_amid_answers(self, chance: Random) -> None:
        """Kill the endpoint as soon as the first of many deliveries is acknowledged.

        An answer that is given before what it promises shows at no other moment.
        """
        answered = threading.Event()

        def offer(message_id: str, body: bytes) -> None:
            with httpx.Client(timeout=15.0, trust_env=False) as http:
                if self._offer(http, message_id, body):
                    answered.set()

        bodies = [self.account.webhook(chance) for _ in range(BURST)]
        threads = [
            threading.Thread(target=offer, args=(f"msg_{uuid4().hex}", body))
            for body in bodies
            if body is not None
        ]
        for thread in threads:
            thread.start()
        answered.wait(1.0)
        self.serve.kill()
        for thread in threads:
            thread.join()

    def _second(self, chance: Random) -> None:
        """Have a second follower beside the first, now and then."""
        while self._wait(chance, self.plan.second_every_s):
            self.second.start()
            self._wait(chance, self.plan.second_s)
            if chance.random() < STOPPED:
                self.second.stop()
            else:
                self.second.kill()
