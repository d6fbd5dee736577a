"""Numbers that look random and are the same on every replay."""

import random
from collections.abc import Callable


class Chance(random.Random):
    """Drawn from the seed of a run; `check` raises where a draw would not be repeated."""

    check: Callable[[], None] | None = None

    def random(self) -> float:
        if self.check:
            self.check()
        return super().random()

    def getrandbits(self, k: int, /) -> int:
        if self.check:
            self.check()
        return super().getrandbits(k)
