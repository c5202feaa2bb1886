"""Which call a URL is, by its path alone, on any host."""

import pytest

from reconcile.codat.routes import route_of
from tests.builders import COMPANY, SYNC, TRANSACTION, url

FIRST = f"https://expensesync.codat.io/companies/{COMPANY}"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", f"/syncs/{SYNC}/transactions", "page"),
        ("GET", f"/syncs/{SYNC}/transactions/", "page"),
        ("GET", f"/syncs/{SYNC}/transactions/{TRANSACTION}", "transaction"),
        ("GET", "/syncs/latest/status", "latest"),
        ("GET", "/syncs/lastSuccessful/status", "latest"),
        ("GET", "/syncs/list/status", "list"),
        ("GET", f"/syncs/{SYNC}/status", "status"),
        ("POST", "/data/expense-transactions", "push"),
        ("POST", "/syncs", "syncs"),
        ("POST", "/expense-transactions", "create"),
        ("POST", "/adjustment-transactions", "create"),
        ("POST", "/reimbursable-expense-transactions", "create"),
        ("POST", "/reimburseable-expense-transactions", "create"),
        ("PUT", f"/expense-transactions/{TRANSACTION}", "update"),
        ("PUT", f"/reimbursable-expense-transactions/{TRANSACTION}", "update"),
        ("PUT", f"/reimburseable-expense-transactions/{TRANSACTION}", "update"),
        ("PUT", f"/transfer-transactions/{TRANSACTION}", "put"),
        ("PUT", "/expense-transactions", "other"),
        ("GET", "/config", "other"),
        ("POST", f"/syncs/{SYNC}/transactions/{TRANSACTION}/attachments", "other"),
        ("GET", "", "other"),
    ],
)
def test_every_call_is_known_by_its_path(method: str, path: str, name: str) -> None:
    route = route_of(method, url(path))

    assert route is not None
    assert (route.name, route.company_id) == (name, COMPANY)


@pytest.mark.parametrize("host", ["api.codat.io", "proxy.example:8443", "[::1]"])
def test_the_host_does_not_matter(host: str) -> None:
    path = f"/companies/{COMPANY}/sync/expenses/syncs/{SYNC}/status"

    route = route_of("GET", f"https://{host}{path}")

    assert route is not None
    assert (route.name, route.sync_id, route.target) == ("status", SYNC, path)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/data/expense-transactions", "push"),
        ("POST", "/syncs", "syncs"),
        ("GET", f"/syncs/{SYNC}/status", "status"),
        ("GET", "/syncs/list/status", "list"),
        ("GET", f"/syncs/{SYNC}/transactions?page=2", "page"),
    ],
)
def test_the_first_generation_is_known_by_its_host(
    method: str, path: str, name: str
) -> None:
    route = route_of(method, FIRST + path)

    assert route is not None
    assert route.name == name


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", f"https://api.codat.io/companies/{COMPANY}/syncs/{SYNC}/status"),
        ("GET", f"{FIRST}/mappingoptions"),
        ("GET", "https://cdn.example/app.js"),
        ("GET", "https://api.codat.io/companies"),
        ("GET", "https://[broken/companies/c/sync/expenses/syncs"),
        ("GET", "data:text/plain,hello"),
        ("GET", ""),
        ("OPTIONS", f"https://api.codat.io/companies/{COMPANY}/sync/expenses/syncs"),
        ("HEAD", f"https://api.codat.io/companies/{COMPANY}/sync/expenses/syncs"),
    ],
)
def test_other_traffic_is_no_route(method: str, address: str) -> None:
    assert route_of(method, address) is None


def test_ids_are_canonical_however_the_url_spells_them() -> None:
    address = url(f"/syncs/{SYNC.upper()}/status", company=f"%7B{COMPANY.upper()}%7D")

    route = route_of("GET", address)

    assert route is not None
    assert (route.company_id, route.sync_id) == (COMPANY, SYNC)


def test_ids_that_are_no_uuids_stay_as_they_are() -> None:
    route = route_of("GET", url("/syncs/Sync%20A/status", company="%FF:co"))

    assert route is not None
    assert (route.company_id, route.sync_id) == ("\ufffd:co", "Sync A")


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 1),
        ("?page=7&pageSize=100", 7),
        ("?pageSize=100", 1),
        ("?page=", 1),
        ("?page=-1", 1),
        ("?page=two", 1),
        ("?page=9999999999", 1),
        ("?page=3&page=4", 3),
    ],
)
def test_a_page_is_known_by_the_number_in_the_query(query: str, number: int) -> None:
    route = route_of("GET", url(f"/syncs/{SYNC}/transactions{query}"))

    assert route is not None
    assert route.page == number
    assert route.target.endswith(f"/transactions{query}")
