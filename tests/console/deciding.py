"""What tests of decisions share: thirteen that failed alike, and forms about them."""

from reconcile import ConsoleApp, Reconciler
from reconcile.console.ticks import tick
from tests.builders import COMPANY, create_of, expense_of, page, row, status
from tests.console.browser import Browser, Seen
from tests.console.forms import Form, form_in, sent
from tests.console.stores import CUSTOMER, LOCKED

REASON = "Their accountant wrote on 3 March, ticket 4411."
NAMES = [f"t{number}" for number in range(1, 14)]
EXPENSE = f"/expenses/{COMPANY}/t1"
OTHER = "1d2f0000-1111-4222-8333-444455556666"
LOCKED_13 = [
    create_of(*(expense_of(name, 642.5, merchant=f"Shop {name}") for name in NAMES)),
    create_of(expense_of("x1", 5, merchant="Elsewhere"), minutes=1, company=OTHER),
    status(5130, minutes=2),
    page(
        *(row(name, "PushError", message=LOCKED) for name in NAMES),
        minutes=3,
    ),
]
LATER = "aaaa5fd1-f4b2-49de-98c3-ca37a0dcd8cd"
WRITTEN = [
    create_of(expense_of("t3", 642.5), minutes=9, sync=LATER),
    status(2000, minutes=10, sync=LATER),
    page(row("t3"), minutes=11, sync=LATER),
]


def console_for(actor: str | None, where: str) -> ConsoleApp:
    return ConsoleApp(where, lambda _: actor, customers={COMPANY: CUSTOMER})


def position_of(where: str) -> int:
    with Reconciler.open(where) as books:
        return books.store.position()


def states_of(where: str) -> dict[str, str]:
    with Reconciler.open(where) as books:
        rows = books.items(company_id=COMPANY)
        return {row.transaction_id: row.item.state.value for row in rows}


def decision_form(browser: Browser, path: str = EXPENSE) -> Form:
    return form_in(browser.get(path).text, "/decisions/new")


def previewed(browser: Browser, names: list[str], **given: str) -> Form:
    """Return the form that confirms a decision about some expenses."""
    asked = {"kind": "waived", "reason": REASON, **given}
    items = [tick(COMPANY, name) for name in names]
    answer = sent(browser, decision_form(browser), item=items, **asked)
    assert answer.status_code == 200, Seen(answer.text).text
    return form_in(answer.text, "/decisions")
