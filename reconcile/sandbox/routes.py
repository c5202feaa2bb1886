"""Which call goes where: every path of both dialects that the sandbox answers."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

import attrs

from reconcile.sandbox import account, reads, writes
from reconcile.sandbox.messages import Call, Response
from reconcile.sandbox.refusals import RefusedError
from reconcile.sandbox.state import State

Handler = Callable[..., Response]


@attrs.frozen
class SandboxRoute:
    """One path with its methods; `service` stands in its error bodies."""

    path: re.Pattern[str]
    handlers: dict[str, Handler]
    service: str


def _route(
    template: str, service: str = "PublicApi", **handlers: Handler
) -> SandboxRoute:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
    return SandboxRoute(re.compile(pattern), handlers, service)


_AT: Final = "/companies/{company}/sync/expenses"
_S: Final = "ExpenseSyncApi"
_create: Final = writes.create
_update: Final = writes.update
ROUTES: Final = (
    # What is asked most comes first.
    _route(f"{_AT}/syncs/latest/status", _S, GET=reads.latest),
    _route(f"{_AT}/syncs/lastSuccessful/status", _S, GET=reads.last_successful),
    _route(f"{_AT}/syncs/list/status", _S, GET=reads.every),
    _route(f"{_AT}/syncs/{{sync}}/status", _S, GET=reads.status),
    _route(f"{_AT}/syncs/{{sync}}/transactions", _S, GET=reads.transactions),
    _route(
        f"{_AT}/syncs/{{sync}}/transactions/{{transaction}}",
        _S,
        GET=reads.transaction,
    ),
    _route(
        f"{_AT}/syncs/{{sync}}/transactions/{{transaction}}/attachments",
        _S,
        POST=writes.attach,
    ),
    _route(f"{_AT}/data/expense-transactions", _S, POST=writes.push_dataset),
    _route(f"{_AT}/syncs", _S, POST=writes.start_sync),
    _route(f"{_AT}/expense-transactions", _S, POST=partial(_create, kind="expense")),
    _route(
        f"{_AT}/expense-transactions/{{transaction}}",
        _S,
        PUT=partial(_update, kind="expense"),
    ),
    _route(
        f"{_AT}/transfer-transactions/{{transaction}}",
        _S,
        PUT=partial(_update, kind="transfer"),
    ),
    _route(
        f"{_AT}/adjustment-transactions", _S, POST=partial(_create, kind="adjustment")
    ),
    _route(
        f"{_AT}/reimbursable-expense-transactions",
        _S,
        POST=partial(_create, kind="reimbursable"),
    ),
    _route(
        f"{_AT}/reimbursable-expense-transactions/{{transaction}}",
        _S,
        PUT=partial(_update, kind="reimbursable"),
    ),
    _route(f"{_AT}/config", _S, GET=account.config, POST=account.config),
    _route(f"{_AT}/mappingOptions", _S, GET=account.mapping_options),
    _route(f"{_AT}/connections/partnerExpense", _S, POST=account.partner_expense),
    _route("/companies", "ClientsApi", GET=account.companies, POST=account.companies),
    _route(
        "/companies/{company}",
        "ClientsApi",
        GET=account.company,
        DELETE=account.company,
    ),
    _route("/companies/{company}/connections", "ClientsApi", GET=account.connections),
    _route("/rules", POST=account.rules),
    _route("/webhooks", GET=account.webhooks, POST=account.webhooks),
    _route("/webhooks/{webhook}", DELETE=account.webhook),
)


def service_of(path: str) -> str:
    """Return the service that answers for a path."""
    found = _find(path)
    return found[0].service if found else "PublicApi"


def dispatch(state: State, call: Call) -> Response:
    """Return the answer of the handler that a call belongs to.

    Raises:
        RefusedError: there is none, or it refuses.

    """
    found = _find(call.path)
    if found is None:
        raise RefusedError(404, f"No resource was found at {call.path}.")
    route, names = found
    handler = route.handlers.get(call.method)
    if handler is None:
        raise RefusedError(
            405,
            f"{call.method} is not allowed here.",
            headers=(("Allow", ", ".join(sorted(route.handlers))),),
        )
    return handler(state, call, **names)


def _find(path: str) -> tuple[SandboxRoute, dict[str, str]] | None:
    for route in ROUTES:
        found = route.path.fullmatch(path)
        if found is not None:
            return route, found.groupdict()
    return None
