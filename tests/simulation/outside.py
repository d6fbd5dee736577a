"""The outside world on which the runs act, with the accidents of steps there."""

from typing import TYPE_CHECKING

from procedures.engine import Step
from tests.simulation.ledger import Effect

if TYPE_CHECKING:
    from tests.simulation.world import World


class Outside:
    """The ledger of a simulated world: an effect in it cannot be taken back."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.rows: list[str] = []
        """A table beside the journal: what steps wrote in their transactions."""
        self.trouble, self.slowness = 0.0, 0.0
        """The shares of effects after which a step fails, and that take longer."""
        self._effects: list[Effect] = []
        self._quoted = 0

    def quote(self, item: str) -> int:
        self._quoted += 1
        return len(item) + self._quoted

    def perform(self, step: Step, what: str, amount: int) -> str:
        world = self._world
        world.cut(f"is about to {what}")
        while world.chance(self.slowness):
            world.cut(f"is still to {what}")
        effect = Effect(step.idempotency_key, what, amount, step.attempt)
        self._check(effect)
        self._effects.append(effect)
        world.cut(f"did {what}")
        if world.chance(self.trouble):
            raise OSError("There was trouble.")
        return f"{what} {len(self._effects)}"

    def write(self, step: Step) -> None:
        journal = self._world.journal_of(self._world.now_on)
        assert journal, "Only steps write rows."
        journal.write(step.idempotency_key)

    def heard(self, run_id: str, key: str, prompt: str) -> None:
        asked = self._world.witnesses[run_id].asked[key]["prompt"]
        if asked != prompt:
            words = f"{asked!r} was asked, not {prompt!r}"
            self._world.blame("an answer serves its question", words)

    def _check(self, effect: Effect) -> None:
        world = self._world
        run_id = effect.key.partition(":")[0]
        journal = world.journal_of(world.now_on)
        is_current = journal and world.holds[run_id] is journal.hold and not journal.hold.is_over
        if is_current and effect.key in world.witnesses[run_id].committed:
            world.blame("a committed step never runs again", effect.key)
        before = [one for one in self._effects if one.key == effect.key]
        is_same = all((one.what, one.amount) == (effect.what, effect.amount) for one in before)
        if not is_same and run_id not in world.overridden:
            world.blame("an effect uses only what is kept", f"{effect} after {before[-1]}")
