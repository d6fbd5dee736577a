"""Programs of effects for workers that are killed; AbstractRuntime's examples with a checkout."""

from pathlib import Path
from tempfile import gettempdir
from typing import Any

from procedures.engine import Procedure
from programs.effects import Effect, RunState, as_procedure
from tests import abstract_runtime as theirs
from tests.programs.effects.flows import node, of, one

MODULE = "tests.crash.effects"
ENDS = [
    ("hello_world", "Hello from AbstractRuntime!"),
    ("ask_user_demo", "Goodbye, a!"),
    ("wait_until_demo", "Woke up on schedule!"),
    ("multi_step_demo", "Processed 5 items"),
    ("persistence_demo", "Step 3: Received 'a'"),
    ("llm_demo", "Offline: Give me one interesting fact"),
    ("react", "Offline: two files in ."),
]
"""The examples, each with a part of its output if all questions are answered with "a"."""


def note(run: RunState, effect: Effect) -> str:
    """Write into the folder what is done, as an effect that would show twice."""
    with (Path(run.vars["folder"]) / "done").open("a") as done:
        done.write(f"{run.current_node}\n")
    return run.current_node


killed_below = as_procedure(one("ask_user", {"prompt": "Below?"}), name="killed_below")
killed_effects = as_procedure(
    of(
        begin=node("note", {}, "first", "ask"),
        ask=node("ask_user", {"prompt": "Which?", "choices": ["a", "b"]}, "of.pick", "event"),
        event=node("wait_event", {"wait_key": "evt:paid"}, "paid", "between"),
        between=node("note", {}, "second", "nap"),
        nap=node("wait_until", {"until": "2001-01-01"}, "woken", "child"),
        child=node("start_subworkflow", {"workflow_id": "killed_below"}, "sub", "last"),
        last=node("note", {}, "third"),
    ),
    {"note": note},
    name="killed_effects",
    workflows={"killed_below": killed_below},
)
values: dict[str, dict[str, Any]] = {}
"""The values with which the examples start, by the names of their procedures."""


def _examples() -> dict[str, Procedure]:
    if not theirs.CHECKOUT:
        return {}
    found: dict[str, Procedure] = {}
    with theirs.modules_of_theirs():
        for name in (*theirs.EXAMPLES, *theirs.WITH_MODEL):
            made, given = theirs.program_of(name, Path(gettempdir()), flows=MODULE)
            found[made.name], values[made.name] = made, given
    return found


globals().update(_examples())
