"""What Codat says when it says no: the error body, with its quirks."""

from typing import Any

from reconcile.errors import ReconcileError
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.messages import Response, answer


class RefusedError(ReconcileError):
    """A call that is answered with an error; handlers raise it."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        validation: dict[str, Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.validation = validation
        self.headers = headers


# Source: the responses Payment-Required and Service-Unavailable of Codat's OpenAPI
# files: their example bodies name another status than they come with.
_BODY_STATUS = {402: 429, 503: 500}


def refusal(error: RefusedError, *, service: str, chance: Chance) -> Response:
    """Return the answer that carries an error."""
    data = {
        "statusCode": _BODY_STATUS.get(error.status, error.status),
        "service": service,
        "error": error.error,
        "correlationId": _correlation(chance),
        "validation": error.validation,
        "canBeRetried": "No" if error.validation else "Unknown",
        "detailedErrorCode": 0,
    }
    response = answer(error.status, data)
    return Response(
        status=response.status,
        headers=(*response.headers, *error.headers),
        body=response.body,
    )


def invalid(*problems: tuple[str, str]) -> RefusedError:
    """Return a 400 that lists what is wrong: where, by a .NET path, and how."""
    errors = [{"itemId": place, "message": text} for place, text in problems]
    return RefusedError(
        400,
        "Validation of the request failed.",
        validation={"errors": errors, "warnings": []},
    )


def _correlation(chance: Chance) -> str:
    """Return a correlation id in one of the three shapes Codat's examples have."""
    correlation_id = chance.uuid("refusal")
    return chance.of("refusal shape").choice(
        [correlation_id.replace("-", ""), correlation_id, ""]
    )
