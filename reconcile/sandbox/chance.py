"""Chance, seeded: one seed gives one run, whatever else is drawn beside it."""

import hashlib
import random
import uuid
from functools import cache


class Chance:
    """A source of draws, a separate one for each purpose."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.of = cache(self._of)

    def _of(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}:{purpose}")  # noqa: S311 - repeatable, and no secret

    def uuid(self, purpose: str) -> str:
        """Return a new random UUID, version 4."""
        return str(uuid.UUID(int=self.of(purpose).getrandbits(128), version=4))

    def once(self, name: str, rate: float) -> bool:
        """Return whether what has this name is struck by something of a rate."""
        if rate <= 0:
            return False
        drawn = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") < rate * 2**64

    def happens(self, purpose: str, rate: float) -> bool:
        """Return whether something of a rate (0 to 1) happens this time."""
        return rate > 0 and self.of(purpose).random() < rate
