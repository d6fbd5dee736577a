"""Simulated runs to which people write, and the people who do."""

from typing import TYPE_CHECKING

from procedures.engine import Context, Retry, Step, procedure
from tests.simulation.ledger import ledger

if TYPE_CHECKING:
    from tests.simulation.witness import Kept
    from tests.simulation.world import World

AGAIN = Retry(3, backoff="2s")


def work(turn: int, heard: list[str], step: Step) -> str:
    """An effect that uses what was read before it."""
    return ledger().perform(step, f"{turn} after {', '.join(heard)}", turn)


def watch(step: Step) -> list[str]:
    """Read what people write to the step, before its effect and after it."""
    heard = [one.text for one in step.messages()]
    ledger().perform(step, "watch", 1)
    return heard + [one.text for one in step.messages()]


@procedure(listens=True)
def talker(ctx: Context) -> list[str]:
    heard: list[str] = []
    for turn in range(3):
        heard += [one.text for one in ctx.inbox()]
        ctx.step(work, turn, heard, name="work", retry=AGAIN)
        said = ctx.converse(f"{len(heard)} so far. What next?", expires="15s", default="nothing")
        heard.append(said.text)
    return heard


def told(kept: "Kept") -> list[str]:
    assert {"work", "work#2", "work#3"} <= set(kept.results)
    return kept.heard


@procedure(steer=True)
def watcher(ctx: Context) -> list[str]:
    first = ctx.step(watch, retry=AGAIN)
    second = ctx.step(watch, retry=AGAIN)
    return [*first, *second, *(one.text for one in ctx.inbox())]


def steered(kept: "Kept") -> list[str]:
    return [*kept.results["watch"], *kept.results["watch#2"], *kept.read]


def say(world: "World", run_id: str, number: int, steers: bool) -> None:  # noqa: FBT001
    """Somebody writes to a run; the same message may come twice."""

    def write() -> None:
        run, text = world.store.runs[run_id], f"m{number}"
        if not run.status.is_end and world.store.write_to(
            run_id, text, id=text, by="ann", steers=steers
        ):
            world.witnesses[run_id].written.append(text)
            world.counts["steering messages" if steers else "messages"] += 1

    world.parts.transact(world, run_id, write)
