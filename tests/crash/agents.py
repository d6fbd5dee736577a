"""An agent whose model and tools die where a test tells them to; see `Desk`."""

from typing import TYPE_CHECKING

from procedures.engine import Context, Step, procedure
from programs.agents import Agent, Tool, run_agent
from tests.crash.procedures import ROLES, act

if TYPE_CHECKING:
    from pydantic_ai.models.function import FunctionModel


def find(folder: str, step: Step) -> str:
    """Look something up."""
    return act(folder, step)


def pay(folder: str, amount: int, step: Step) -> str:
    """Pay an amount."""
    return f"{act(folder, step)} {amount}"


LETTER = "The lamp is on its way and arrives on Friday."


def writing() -> "FunctionModel":
    """Return a model that writes the letter; its parts are imported when they are needed."""
    from tests.crash import model  # noqa: PLC0415

    return model.writing


def thinking() -> "FunctionModel":
    """Return a model that calls both tools."""
    from tests.crash import model  # noqa: PLC0415

    return model.thinking


writer = Agent("writer", model=writing)


@procedure(roles=ROLES)
def writes_by_agent(ctx: Context, folder: str) -> str:
    return run_agent(ctx, writer, folder).text


@procedure(roles=ROLES)
def pays_by_agent(ctx: Context, folder: str) -> str:
    guarded = Tool(pay, needs="approval", prompt="Pay {amount} €?")
    agent = Agent("agent", tools=[find, guarded], model=thinking)
    return run_agent(ctx, agent, folder).text
