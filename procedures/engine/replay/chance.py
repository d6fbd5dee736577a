"""Random numbers that are the same whenever the code of a run is replayed."""

import random
from collections.abc import Callable


class Chance(random.Random):
    """A random number generator seeded from the run, so that a replay gets the same numbers.

    `check`, if set, is called before each number. It raises an error where the context can't be
    used, such as in a step, because the numbers would not be the same there.
    """

    check: Callable[[], None] | None = None

    def random(self) -> float:
        if self.check:
            self.check()
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        if self.check:
            self.check()
        return super().getrandbits(k)
