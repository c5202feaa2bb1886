"""What a page says instead of its answer: a status and one sentence."""

from typing import Final


class PageError(Exception):
    """A request that is not answered as asked; the text is shown, so it is ours."""

    def __init__(
        self, status: int, sentence: str, *, allow: tuple[str, ...] = ()
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.allow = allow


HEADLINES: Final = {
    400: "This address cannot be read",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Something changed meanwhile",
    413: "Too large",
    422: "Something is missing",
    500: "Something went wrong",
    503: "The store cannot be read",
}
"""What stands above the sentence, by status."""

_OF_A_FORM: Final = "This form cannot be used"
_LATER: Final = "Not just now"


def headline_of(problem: PageError, *, is_form: bool) -> str:
    """Return what stands above the sentence of what is wrong."""
    if problem.status == 400 and is_form:
        return _OF_A_FORM
    if problem.status == 503 and problem.sentence not in _STORE_UNREADABLE:
        return _LATER
    return HEADLINES.get(problem.status, HEADLINES[400])


NO_SUCH_PAGE: Final = "The console has no page at this address."
STORE_UNREADABLE: Final = (
    "The store of the history cannot be read just now, so no figure is shown;"
    " try again in a minute, or ask whoever runs it."
)
STORE_UNREADABLE_FOR_FORMS: Final = (
    "The store of the history cannot be used just now; send the form again in a minute:"
    " what it recorded already is not recorded twice."
)
_STORE_UNREADABLE: Final = (STORE_UNREADABLE, STORE_UNREADABLE_FOR_FORMS)
OURS: Final = (
    "The page failed for a reason of its own, and nothing was changed; the log of the"
    " server has the details."
)
BUSY: Final = (
    "The console answers as many questions as it can at once; try again in a minute."
)
