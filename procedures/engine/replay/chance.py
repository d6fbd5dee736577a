"""Random numbers that are the same on every replay."""

import random
from collections.abc import Callable


class Chance(random.Random):
    """A random generator seeded by the run; `check` raises if a number couldn't be repeated."""

    check: Callable[[], None] | None = None

    def random(self) -> float:
        if self.check:
            self.check()
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        if self.check:
            self.check()
        return super().getrandbits(k)
