"""What a stream is made of: how its news is decided, and its state folded."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import attrs


class Versioned(Protocol):
    """A stream's state: it counts the events that it was folded from."""

    @property
    def version(self) -> int:
        """The version of the last event, 0 before any."""
        ...


S = TypeVar("S", bound=Versioned)


@attrs.frozen(kw_only=True)
class Decider(Generic[S]):
    """The functions of one stream; each is pure.

    `observations` are the types that speak of the stream;
    `decide(state, observation, evidence=…)` returns the events that the observation is
    news for, `evolve(state, event)` the state after one, `stream_of(observation)` the
    name of the stream that the observation speaks of.
    """

    observations: tuple[type[Any], ...]
    initial: S
    decide: Callable[..., Sequence[Any]]
    evolve: Callable[[S, Any], S]
    stream_of: Callable[[Any], str]
