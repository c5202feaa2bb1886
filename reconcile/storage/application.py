"""Eventsourcing's application: built from what is given alone, by an engine."""

from collections.abc import Callable, Mapping
from typing import Any

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.utils import Environment, EnvType

from reconcile.storage.codec import Codec, EventMapper


class HistoryApplication(Application[str]):
    """Where events are put: what an engine adds to that is in its recorder."""

    name = "reconcile"

    def __init__(
        self,
        env: Mapping[str, str],
        factory: Callable[[Environment], InfrastructureFactory[Any]],
    ) -> None:
        self._factory = factory
        super().__init__(env=dict(env))

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Return what was given: the host's os.environ must not leak in."""
        return Environment(name, env)

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Return the engine's factory."""
        return self._factory(env)

    def construct_mapper(self) -> EventMapper:
        """Return the mapper of our codec, without the library's transcodings."""
        return EventMapper(Codec())
