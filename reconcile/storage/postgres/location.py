"""Where a PostgreSQL store is: a URL of libpq's, with some parameters of ours."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

import attrs
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from reconcile.errors import UsageError

SCHEMA: Final = "reconcile"
"""The schema of a URL that names none."""
_POOL: Final = 10
_LOCK_TIMEOUT_S: Final = 60
_IDLE_TIMEOUT_S: Final = 30
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
    `idle_timeout_s` is how long a transaction may stand still: its process was stopped.
    `prepares` says whether statements are prepared on the server, which a pooler may
    not take.
    """

    conninfo: str = attrs.field(repr=False)
    schema: str
    name: str
    pool_size: int
    lock_timeout_s: int
    statement_timeout_s: int
    idle_timeout_s: int
    prepares: bool


def location_of(url: str) -> Location:
    """Return the book that `postgresql://…` names.

    Raises:
        UsageError: it is no URL of libpq's, or a parameter of ours is out of range.

    """
    plain, ours = _taken_apart(url)
    try:
        found = conninfo_to_dict(plain)
    except ProgrammingError:  # whose words may hold the password
        raise UsageError(f"the URL of the store cannot be read, {_EXPECTED}") from None
    _check_address(found)
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
        idle_timeout_s=_number(ours, "idle_timeout", _IDLE_TIMEOUT_S),
        prepares=bool(_number(ours, "prepare", 1, most=1)),
    )


def _taken_apart(url: str) -> tuple[str, dict[str, str]]:
    """Return what libpq is to be told, letter by letter, and our own parameters."""
    end_of_user = url.find("@")
    if "/" in url[url.find("//") + 2 : end_of_user]:
        end_of_user = -1  # it stands in the path, or behind it
    begin = url.find("?", end_of_user + 1)
    if begin < 0:
        return url, {}
    ours: dict[str, str] = {}
    others: list[str] = []
    for pair in url[begin + 1 :].split("&"):
        name, _, value = pair.partition("=")
        if name in _OURS:
            ours[name] = unquote(value)
        else:
            if name not in _LIBPQS:
                raise UsageError(
                    f"the URL of the store has a parameter {name!r}, expected one of"
                    f" libpq's or of {', '.join(_OURS)}"
                )
            others.append(pair)
    query = f"?{'&'.join(others)}" if others else ""
    return url[:begin] + query, ours


def _check_address(found: Mapping[str, Any]) -> None:
    """Refuse a host or port that is none, before anybody shows it.

    It may be a piece of a password with a slash or an "@" in it.
    """
    for port in str(found.get("port") or "").split(","):
        if port and not (port.isascii() and port.isdigit() and int(port) < _PORTS):
            raise UsageError(
                f"the port in the store's URL is not a number, {_EXPECTED}"
            )
    if "@" in str(found.get("host") or ""):
        raise UsageError(f"the host in the store's URL has an @ in it, {_EXPECTED}")


_EXPECTED: Final = (
    "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE?NAME=VALUE"
    " with % codes for all but letters and digits"
)
_PORTS: Final = 65_536
_LIBPQS: Final = frozenset(
    option.keyword.decode() for option in Conninfo.get_defaults()
) | {"ssl"}
_OURS: Final = (
    *("schema", "pool_size", "prepare"),
    *("lock_timeout", "statement_timeout", "idle_timeout"),
)
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
