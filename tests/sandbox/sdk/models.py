"""Reads what our client sends with the models of the SDK that this Python has.

Takes JSON lines of a model's name and what it is to read, and prints, a line each, what
the SDK would have sent itself.
"""

import json
import sys
from typing import Any


def read_by_current(name: str, body: Any) -> str:
    """Return what the current SDK's model, of pydantic, makes of a body."""
    from codat_sync_for_expenses.models import (  # type: ignore[import-not-found]
        shared,
    )

    created = getattr(shared, name).model_validate(body)
    result: str = created.model_dump_json(by_alias=True, exclude_unset=True)
    return result


def read_by_v1(name: str, body: Any) -> str:
    """Return what the first SDK's model, a dataclass, makes of a body."""
    from codatsyncexpenses import utils  # type: ignore[import-not-found]
    from codatsyncexpenses.models import shared  # type: ignore[import-not-found]

    kind = getattr(shared, name)
    result: str = utils.marshal_json(utils.unmarshal_json(json.dumps(body), kind), kind)
    return result


if __name__ == "__main__":
    read = {"v1": read_by_v1, "current": read_by_current}[sys.argv[1]]
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(read(asked["model"], asked["body"]) + "\n")
