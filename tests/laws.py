"""Laws: what holds of any input, held against each engine."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

from tests.engines import ENGINES, SQLITE, new_store, using

_EXAMPLES_MAX: Final = 400


Law = Callable[..., None]


def law(
    *, examples: int = _EXAMPLES_MAX, engines: Sequence[str] = ENGINES, **drawn: Any
) -> Callable[[Law], Law]:
    """Hold a law of an empty store, whose URL is its first argument, on each engine.

    SQLite gets all the examples; the others, which fold by the same code, a tenth.
    """
    strategies: dict[str, SearchStrategy[Any]] = drawn

    def decorate(holds: Law) -> Law:
        @pytest.mark.parametrize("engine", engines)
        def test(engine: str) -> None:
            def example(**values: Any) -> None:
                with using(engine), new_store(engine) as url:
                    holds(url, **values)

            example.__name__ = example.__qualname__ = holds.__name__
            number = examples if engine == SQLITE else max(examples // 10, 5)
            settings(max_examples=number)(given(**strategies)(example))()

        test.__name__ = test.__qualname__ = holds.__name__
        test.__doc__ = holds.__doc__
        test.__module__ = holds.__module__
        return test

    return decorate
