"""The calls around a sync: companies, connections, configuration, who hears of what."""

from typing import Any

from reconcile.sandbox.messages import Call, Response, answer
from reconcile.sandbox.refusals import RefusedError, invalid
from reconcile.sandbox.requests import refuse_misshaped
from reconcile.sandbox.shapes import Config
from reconcile.sandbox.state import State, instant
from reconcile.sandbox.world import Company

CONSUMERS_MAX = 50
TAGS_MAX = 10


def companies(state: State, call: Call) -> Response:
    """Return every company; or create one."""
    if call.method == "POST":
        data = call.json()
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(name, str) or not name.strip():
            raise invalid(("Name", "A name is required."))
        return answer(200, _company(state.create(state.chance.uuid("company"), name)))
    found = [
        _company(found_company)
        for found_company in state.companies.values()
        if not found_company.deleted
    ]
    links = {"current": {"href": "/companies"}, "self": {"href": "/companies"}}
    data = {
        "results": found,
        "pageNumber": 1,
        "pageSize": 100,
        "totalResults": len(found),
        "_links": links,
    }
    return answer(200, data)


def company(state: State, call: Call, company: str) -> Response:
    """Return one company; or delete it."""
    known = state.company(company)
    if call.method == "DELETE":
        known.deleted = True
        return Response(status=204)
    return answer(200, _company(known))


def _company(company: Company) -> dict[str, Any]:
    return {
        "id": company.company_id,
        "name": company.name,
        "redirect": f"https://link.codat.io/company/{company.company_id}",
        "created": instant(company.created_at),
        "dataConnections": company.connections,
    }


def connections(state: State, _: Call, company: str) -> Response:
    """Return a company's connections."""
    known = state.company(company)
    base = f"/companies/{company}/connections"
    data = {
        "results": known.connections,
        "pageNumber": 1,
        "pageSize": 100,
        "totalResults": len(known.connections),
        "_links": {"current": {"href": base}, "self": {"href": base}},
    }
    return answer(200, data)


def partner_expense(state: State, _: Call, company: str) -> Response:
    """Create the partner's own connection, linked from the start."""
    known = state.company(company)
    connection = state.connection(known, "Partner Expense")
    known.connections.append(connection)
    return answer(200, connection)


def config(state: State, call: Call, company: str) -> Response:
    """Return a company's configuration; or keep one."""
    known = state.company(company)
    if call.method == "POST":
        data = call.json()
        if not isinstance(data, dict):
            raise invalid(("body", "A configuration is required."))
        missing = [
            (f"{name[:1].upper()}{name[1:]}", f"{name} is required.")
            for name in ("bankAccount", "supplier", "customer")
            if not isinstance(data.get(name), dict)
        ]
        if missing:
            raise invalid(*missing)
        refuse_misshaped(data, Config)
        known.config = data
    if known.config is None:
        raise RefusedError(404, "The company has no configuration.")
    return answer(200, known.config)


def mapping_options(state: State, _: Call, company: str) -> Response:
    """Return what transactions can be mapped to."""
    known = state.company(company)
    types = ["Payment", "Refund", "Reward", "Chargeback"]
    data = {
        "expenseProvider": known.ledger.platform,
        "accounts": [
            {
                "id": "account-1",
                "name": "Travel",
                "accountType": "Expense",
                "currency": known.ledger.base_currency,
                "validTransactionTypes": types,
            }
        ],
        "trackingCategories": [],
        "taxRates": [],
    }
    return answer(200, data)


def rules(state: State, call: Call) -> Response:
    """Keep a rule of the legacy service: who hears of what, until 2025-01."""
    data = call.json()
    kind = data.get("type") if isinstance(data, dict) else None
    if not isinstance(kind, str) or not kind:
        raise invalid(("Type", "A type is required."))
    company_id = data.get("companyId")
    if company_id is not None and not isinstance(company_id, str):
        raise invalid(("CompanyId", "The id of a company is required."))
    rule_id = state.chance.uuid("rule")
    notifiers = data.get("notifiers") or {}
    url = notifiers.get("webhook") if isinstance(notifiers, dict) else None
    if isinstance(url, str) and url:
        state.webhooks.subscribe_rule(rule_id, kind, url, company_id=company_id)
    return answer(200, {**data, "id": rule_id})


def webhooks(state: State, call: Call) -> Response:
    """Return the consumers of the webhook service; or create one."""
    if call.method == "POST":
        data = call.json()
        url = data.get("url") if isinstance(data, dict) else None
        if not isinstance(url, str) or not url:
            raise invalid(("Url", "A url is required."))
        if len(state.webhooks.consumers()) >= CONSUMERS_MAX:
            raise RefusedError(400, f"There are {CONSUMERS_MAX} webhook consumers.")
        company_id = data.get("companyId")
        subscription = state.webhooks.subscribe(
            url,
            event_types=_texts(data, "eventTypes"),
            company_tags=_texts(data, "companyTags", most=TAGS_MAX),
            company_id=company_id if isinstance(company_id, str) else None,
            disabled=data.get("disabled") is True,
        )
        return answer(201, subscription)
    return answer(200, {"results": state.webhooks.consumers()})


def _texts(data: dict[str, Any], name: str, *, most: int | None = None) -> list[str]:
    given = data.get(name) or []
    field = f"{name[:1].upper()}{name[1:]}"
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        raise invalid((field, f"{field} must be an array of strings."))
    if most is not None and len(given) > most:
        raise invalid((field, f"At most {most} are allowed."))
    return given


def webhook(state: State, _: Call, webhook: str) -> Response:
    """Delete a consumer."""
    if not state.webhooks.unsubscribe(webhook):
        raise RefusedError(404, f"Webhook consumer {webhook} was not found.")
    return Response(status=204)
