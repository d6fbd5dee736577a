"""Process settings and context variables around an author's code, restored after it has run."""

import logging
import random
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from decimal import getcontext, setcontext
from typing import Any, NamedTuple, TypeVar

from procedures.engine.execution.process import (
    ChangedSettings,
    State,
    around_steps,
    read_quickly,
)
from procedures.engine.execution.rare import around_turns, names_of_rare_settings
from procedures.engine.journal.protocol import Journal

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ContextSetting(NamedTuple):
    """A setting that a library keeps in a context variable, such as Django's language."""

    name: str
    """The setting's name as it reads within a sentence, for example "the language"."""
    read: Callable[[], Any]
    kept_in: str
    """The name of the library's context variable; only the setting's own name is reported."""


of_context: list[ContextSetting] = []
"""Settings of libraries that are reported by name; they are added when the process starts."""
DECIMAL = "decimal_context"
"""The name of the context variable of `decimal`.

Changes of this variable aren't reported as changes of a context variable, because the decimal
context is one of the process settings.
"""


def call_step(found: list[ChangedSettings], function: Callable[..., T], *given: Any) -> T:
    """Call the function with a copy of the context variables, and return the function's result.

    Process settings that the function changed are restored afterwards, and their names are added to
    `found`.
    """
    return copy_context().run(_call_step, found, function, *given)


def _call_step(found: list[ChangedSettings], function: Callable[..., T], *given: Any) -> T:
    setcontext(getcontext().copy())  # the function may change the only object there is
    before, context = read_quickly(), copy_context()
    try:
        return function(*given)
    finally:
        if read_quickly() is not before:
            found.append(around_steps.set_back(before))
        if (now := copy_context()) != context:
            found.append(ChangedSettings(changed_between(context, now), []))


def call_turn(journal: Journal, function: Callable[[], T], *, before: State | None = None) -> T:
    """Call the function for a run, then restore the process settings that the run has changed.

    `before` is the state of these settings, if the caller has just read it.
    """
    # Slots are forked from one process and would all draw the same numbers; also, a seed that one
    # run has set would affect the next.
    random.seed()
    found: list[ChangedSettings] = []
    try:
        return copy_context().run(_call_turn, found, function, before)
    finally:
        for changed, stuck in found:
            _tell_of_turn(journal.run.run_id, names_of_rare_settings(changed), stuck)
            if stuck:
                journal.spend_process(spent_by("a run", stuck))


def _call_turn(found: list[ChangedSettings], function: Callable[[], T], before: State | None) -> T:
    setcontext(getcontext().copy())
    before = around_turns.read() if before is None else before
    try:
        return function()
    finally:
        found.append(around_turns.set_back(before))


def _tell_of_turn(run: str, changed: Sequence[str], stuck: Sequence[str]) -> None:
    """Log the names of restored settings; no step has reported that these settings changed.

    The journal can't hold this warning, because the worker may have released the run already.
    """
    if restored := [name for name in changed if name not in stuck]:
        logger.warning(
            "Run %s changed settings of its process, which were restored when the worker released "
            "it: %s.",
            run,
            _listed(restored),
        )


def changed_between(before: Context, now: Context) -> list[str]:
    """Return the names of the context variables that differ.

    If a variable holds one of the settings in `of_context`, the name of the setting is returned
    instead, for example "the language".
    """
    changed = [one.name for one in of_context if before.run(one.read) != now.run(one.read)]
    hidden = {DECIMAL, *(one.kept_in for one in of_context)}
    names = {
        variable.name
        for variable, value in now.items()
        if variable.name not in hidden and _differs(before, variable, value)
    }
    return [*changed, *(f"the context variable {name}" for name in sorted(names))]


def _differs(before: Context, variable: Any, value: Any) -> bool:
    return variable not in before or before[variable] is not value


def warning_of(step: str, changed: Sequence[str], stuck: Sequence[str]) -> str:
    """Return a warning that names the settings a step has changed, and says which were restored."""
    rest = [name for name in changed if name not in stuck]
    if not stuck:
        return f"Settings that the step {step} changed were restored after it: {_listed(rest)}."
    words = (
        f"Settings that the step {step} changed couldn't be restored: {_listed(stuck)}. Once the "
        "run is released, another process will replace this one."
    )
    return (
        f"{words} Other settings were restored after the step: {_listed(rest)}." if rest else words
    )


def spent_by(who: str, stuck: Sequence[str]) -> str:
    return f"{who} changed settings that couldn't be restored: {_listed(stuck)}"


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
