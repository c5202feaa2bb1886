"""Where a PostgreSQL store is: a URL of libpq's, with some parameters of ours."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import attrs
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reconcile.errors import UsageError

SCHEMA: Final = "reconcile"
"""The schema of a URL that names none."""
_POOL: Final = 10
_LOCK_TIMEOUT_S: Final = 60
_DEFAULTS: Final[Mapping[str, str]] = {
    "application_name": "reconcile",
    "connect_timeout": "5",  # s
    "tcp_user_timeout": "10000",  # ms: how long a silent network is waited for
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
}


@attrs.frozen(kw_only=True)
class Location:
    """One book: a schema in a database, and how it is reached.

    `conninfo` may hold a password: `name` is for messages, and holds none.
    `prepares` says whether statements are prepared on the server, which a pooler may
    not take.
    """

    conninfo: str = attrs.field(repr=False)
    schema: str
    name: str
    pool_size: int
    lock_timeout_s: int
    statement_timeout_s: int
    prepares: bool


def location_of(url: str) -> Location:
    """Return the book that `postgresql://…` names.

    Raises:
        UsageError: it is no URL of libpq's, or a parameter of ours is out of range.

    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    ours = {name: value for name, value in given if name in _OURS}
    rest = urlencode([pair for pair in given if pair[0] not in _OURS], quote_via=quote)
    try:
        found = conninfo_to_dict(urlunsplit(parts._replace(query=rest)))
    except ProgrammingError as error:
        why = str(error).strip().splitlines()[0].replace(parts.netloc, "…")
        raise UsageError(f"the URL of the store cannot be read: {why}") from error
    schema = ours.get("schema") or SCHEMA
    if len(schema.encode()) > _IDENTIFIER_BYTES or {"\0", "%"} & {*schema}:
        raise UsageError(
            f"the URL's schema is {schema!r}, expected at most {_IDENTIFIER_BYTES}"
            " bytes, without a percent sign"
        )
    return Location(
        conninfo=make_conninfo("", **{**_DEFAULTS, **found}),
        schema=schema,
        name=_name(found, schema),
        pool_size=_number(ours, "pool_size", _POOL, least=3),
        lock_timeout_s=_number(ours, "lock_timeout", _LOCK_TIMEOUT_S),
        statement_timeout_s=_number(ours, "statement_timeout", 0),
        prepares=bool(_number(ours, "prepare", 1, most=1)),
    )


_OURS: Final = ("schema", "pool_size", "lock_timeout", "statement_timeout", "prepare")
_IDENTIFIER_BYTES: Final = 63  # a longer one is cut, and could be another book's


def _name(found: Mapping[str, Any], schema: str) -> str:
    host = found.get("host") or found.get("hostaddr") or ""
    port = f":{found['port']}" if "port" in found else ""
    database = found.get("dbname") or ""
    where = f"{port}/{database}" if str(host).startswith("/") else ""
    name = f"postgresql://{where}" if where else f"postgresql://{host}{port}/{database}"
    return f"{name} (schema {schema})"


def _number(
    given: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = 0
) -> int:
    text = given.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number < least or (most and number > most):
        bounds = f"from {least} to {most}" if most else f"from {least}"
        raise UsageError(
            f"the URL's {name} is {text!r}, expected a whole number {bounds}"
        )
    return number


def url_of(mapping: Mapping[str, str]) -> str:
    """Return the URL of the store that eventsourcing's `POSTGRES_…` variables name.

    Raises:
        UsageError: the mapping has no POSTGRES_DBNAME.

    """
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    query = {
        key: mapping[f"POSTGRES_{name}"]
        for key, name in names.items()
        if mapping.get(f"POSTGRES_{name}")
    }
    if mapping.get("POSTGRES_SCHEMA"):
        query["schema"] = mapping["POSTGRES_SCHEMA"]
    database = quote(mapping["POSTGRES_DBNAME"], safe="")
    return f"postgresql:///{database}?{urlencode(query, quote_via=quote)}"
