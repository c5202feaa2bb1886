"""An expense, or a cause of a company, as the value of one field of a form."""

from reconcile.console.links import id_from_path, id_in_path


def tick(company_id: str, name: str) -> str:
    """Return the value that stands for a company's expense or fingerprint."""
    return f"{id_in_path(company_id)}/{id_in_path(name)}"


def pair_of(value: str) -> tuple[str, str] | None:
    """Return the company and the id of a value; None where it is no such value."""
    head, slash, tail = value.partition("/")
    company_id, name = id_from_path(head), id_from_path(tail)
    if not slash or not company_id or not name:
        return None
    return company_id, name
