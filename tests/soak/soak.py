"""One soak from its start to its judgement: load, calm, rest, and what must hold."""

import base64
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs
import httpx

from reconcile.sandbox.server import serving
from tests.soak.account import Account, RecordingPoster
from tests.soak.asking import Asker
from tests.soak.daemons import Daemon
from tests.soak.evidence import facts_beside, lost_from
from tests.soak.load import Load
from tests.soak.memory import thirds
from tests.soak.plan import Plan
from tests.soak.registry import Registry
from tests.soak.truth import untruths

KEY: Final = "soak-key"
PATH: Final = "/webhooks/codat"
LOOK_EVERY_S: Final = 1.0
REST_LOOK_S: Final = 1.0
STORE: Final = "books.db"


@attrs.define(kw_only=True)
class Soak:
    """A soak as it stands: its parts, and what was wrong so far."""

    plan: Plan
    folder: Path
    registry: Registry
    account: Account
    asker: Asker
    load: Load
    daemons: tuple[Daemon, ...]
    rest_s: float = 0.0
    checked: int = 0  # so many acknowledged deliveries were looked for so far
    lost: list[str] = attrs.field(factory=list)
    found: list[str] = attrs.field(factory=list)  # what else was wrong

    @property
    def store(self) -> Path:
        """Return where the store is."""
        return self.folder / STORE

    def wrongs(self) -> list[str]:
        """Return every violation so far."""
        ended = [line for daemon in self.daemons for line in daemon.wrongs]
        lines = [*self.lost, *self.found, *self.asker.wrongs, *ended]
        return [*dict.fromkeys(lines)]

    def look_for_news(self) -> None:
        """Look in the store for what was acknowledged since the last look."""
        news = self.registry.acknowledged(after=self.checked)
        self.lost += lost_from(self.store, news)
        self.checked += len(news)


def soak(plan: Plan, folder: Path, tell: Callable[[Soak], None]) -> Soak:
    """Live through a soak in a folder, and return it with all that was wrong."""
    with prepared(plan, folder) as run:
        with _sampled(run), run.load.running():
            until = run.load.began + plan.load_s
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, plan.tell_every_s))
                run.look_for_news()
                tell(run)
        run.account.calm()
        with _sampled(run):
            _rest(run)
            tell(run)
        for daemon in run.daemons[:2]:
            daemon.stop()
        judge_at_rest(run)
    return run


@contextmanager
def prepared(plan: Plan, folder: Path) -> Iterator[Soak]:
    """Yield a soak whose processes run, and nothing else yet."""
    registry = Registry()
    secret = "whsec_" + base64.b64encode(Random(plan.seed).randbytes(24)).decode()
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(trust_env=False) as http:
        account = Account.opened(
            plan,
            folder / STORE,
            deliver_to=url + PATH,
            secret=secret,
            send=RecordingPoster(registry, http),
        )
        with serving(account.sandbox) as codat:
            environment = _environment(folder / STORE, secret, codat)
            asker = Asker(folder=folder, environment=environment)
            daemons = _daemons(folder, environment, port)
            serve, follow, second = daemons
            load = Load(
                plan=plan,
                account=account,
                registry=registry,
                asker=asker,
                url=url + PATH,
                secret=secret,
                serve=serve,
                follow=follow,
                second=second,
                victims=(serve, follow) if plan.kills_follow else (serve,),
            )
            try:
                serve.start()
                follow.start()
                yield Soak(
                    plan=plan,
                    folder=folder,
                    registry=registry,
                    account=account,
                    asker=asker,
                    load=load,
                    daemons=daemons,
                )
            finally:
                for daemon in daemons:
                    daemon.end()


def _daemons(
    folder: Path, environment: Mapping[str, str], port: int
) -> tuple[Daemon, Daemon, Daemon]:
    keyless = {k: v for k, v in environment.items() if k != "CODAT_API_KEY"}

    def answers() -> bool:
        try:
            url = f"http://127.0.0.1:{port}/healthz"
            return httpx.get(url, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    serve = Daemon(
        name="serve",
        arguments=("serve", "--port", str(port)),
        folder=folder,
        environment=keyless,
        is_ready=answers,
    )
    follow, second = (
        Daemon(name=name, arguments=("follow",), folder=folder, environment=environment)
        for name in ("follow", "second")
    )
    return serve, follow, second


def _environment(store: Path, secret: str, codat: str) -> dict[str, str]:
    ours = ("RECONCILE", "CODAT")
    others = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {
        **others,
        "RECONCILE_STORE": f"sqlite:///{store}",
        "RECONCILE_WEBHOOK_SECRETS": secret,
        "CODAT_API_KEY": KEY,
        "CODAT_BASE_URL": codat,
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def _sampled(run: Soak) -> Iterator[None]:
    """Sample the processes meanwhile, every second."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            for daemon in run.daemons:
                daemon.look()

    thread = threading.Thread(target=look, name="sampler")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _rest(run: Soak) -> None:
    """Leave the followers alone until they have read all there is to read."""
    began = time.monotonic()
    restless = ["nothing was looked at"]
    while restless and time.monotonic() - began < run.plan.rest_max_s:
        time.sleep(REST_LOOK_S)
        report = run.asker.report()
        restless = [*_restless(run, report)]
        if report and not run.account.unended():
            known = {sync["sync_id"] for sync in report.get("syncs", ())}
            run.load.tell_of_elsewhere(run.account.elsewhere.keys() - known)
        doubtful = {
            item["company_id"]
            for item in report.get("items", ())
            if item["state"] == "open" or item["kind"] == "INDETERMINATE"
        }
        for company_id in sorted(doubtful if restless else ()):
            run.asker.ask("sync", "--company", company_id, "--recover", may=(0, 2))
    run.rest_s = time.monotonic() - began
    run.found += [f"after {run.rest_s:.0f} s of rest {item}" for item in restless]


def _restless(run: Soak, report: Mapping[str, Any]) -> Iterator[str]:
    """Yield what followers have still to read, as Codat and a report have it."""
    if unended := run.account.unended():
        yield f"{unended} syncs have not ended"
    listings = {sync["sync_id"]: sync["listing"] for sync in report.get("syncs", ())}
    for sync_id in run.account.sync_ids():
        if listings.get(sync_id) != "complete":
            yield f"sync {sync_id} has the listing {listings.get(sync_id)}"
    synced = run.account.synced()  # of what never arrived nothing can be read
    for item in report.get("items", ()):
        undecided = item["state"] == "open" or item["kind"] == "STUCK"
        if undecided and item["transaction_id"] in synced:
            yield f"{item['transaction_id']} is undecided"


def judge_at_rest(run: Soak) -> None:
    """Note everything that does not hold of a store that nobody uses any more."""
    asker, store = run.asker, run.store
    asker.ask("audit", "tie-out")
    run.lost += lost_from(store, run.registry.acknowledged())
    run.found += facts_beside(store, run.registry.offered())
    run.found += run.registry.odd()
    run.found += run.account.wrongs()
    run.found += untruths(store, run.account.sandbox, [*run.load.pushed])
    asker.ask("backup", "last.db")
    copy = run.folder / "last.db"
    if copy.exists():
        run.found += lost_from(copy, run.registry.acknowledged())
        moment = f"{run.account.sandbox.now:%Y-%m-%dT%H:%M:%SZ}"
        digests = [
            asker.report("--as-of", moment, store=path).get("digest")
            for path in (store, copy)
        ]
        if digests[0] is None or digests[0] != digests[1]:
            run.found.append(f"store and copy tell different reports: {digests}")
    for daemon in run.daemons:
        for number, process in enumerate(daemon.runs, 1):
            compared = thirds(process.samples)
            if compared is not None and (rise := compared.rises()):
                run.found.append(f"in run {number} of {daemon.name} {rise}")
        if daemon.runs and "Traceback" in daemon.log.read_text("utf-8"):
            run.found.append(f"{daemon.name} wrote a traceback: {daemon.log}")
