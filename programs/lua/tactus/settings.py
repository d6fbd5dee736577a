"""The settings in .tac files, which are checked while the file is read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from procedures.engine.values.spelling import meant
from programs.lua.plexus import fault_of_roles, fault_of_stages
from programs.lua.primitives.options import shown
from programs.lua.questions import fault_of_declared

TEXTS = ("title", "description", "subject", "return_prompt")
PROCEDURE = {
    *TEXTS,
    *("input", "output", "roles", "handler", "name", "max_turns", "max_depth"),
    *("state", "async", "dependencies", "checkpoint_interval"),
}
"""The settings that a procedure can have. Those in the last line of the set have no effect."""
NUMBERS = ("temperature", "top_p", "max_tokens")


def check_procedure(settings: Mapping[str, Any]) -> None:
    """Raise `ValueError` for settings that a procedure can't have."""
    for name, value in settings.items():
        if name not in PROCEDURE:
            raise ValueError(f"A Procedure can't have {name!r}.{meant(name, PROCEDURE)}")
        if name in TEXTS and not isinstance(value, str):
            raise ValueError(f"{name} must be a string, not {shown(value)}.")
    for name in ("input", "output"):
        if not isinstance(settings.get(name, {}), dict) and settings[name] != []:
            words = f"{name} must be a table with names, such as {{order = field.string{{}}}}"
            raise ValueError(f"{words}, not {shown(settings[name])}.")
    roles = settings.get("roles") or {}
    if not isinstance(roles, dict):
        words = 'roles must be a table of groups, such as {start = "sales"}'
        raise ValueError(f"{words}, not {shown(roles)}.")  # noqa: TRY004 (one error for all)
    if why := fault_of_roles(roles):
        raise ValueError(why)


def checked_stages(names: Any) -> Sequence[str]:
    """Return the names of stages. Raises `ValueError` if they can't be used."""
    odd = next((one for one in names if not isinstance(one, str)), None)
    if not isinstance(names, list) or odd is not None:
        wrong = shown(names if odd is None else odd)
        raise ValueError(f'Stages takes names, as in Stages {{"asked", "paid"}}, not {wrong}.')
    if why := fault_of_stages(names):
        raise ValueError(why)
    return names


def checked_questions(name: str, declared: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each declared question with its name.

    If `name` is empty, `declared` contains several questions, keyed by name. Raises `TypeError` or
    `ValueError` for a question that no program can ask.
    """
    for one, settings in ({name: declared} if name else declared).items():
        if not isinstance(settings, dict):
            words = f"The question {one} needs a table such as {{type = 'approval'}}."
            raise TypeError(words)
        if why := fault_of_declared(one, settings):
            raise ValueError(why)
        yield one, settings


def check_agent(name: str, settings: Mapping[str, Any]) -> None:
    """Raise `TypeError` or `ValueError` for settings that can't be sent to a model."""
    for setting in ("system_prompt", "initial_message", "description"):
        value = settings.get(setting, "")
        if not isinstance(value, str):
            words = f"{setting} of the agent {name} must be a string"
            raise TypeError(f"{words}, not {shown(value)}.")
    for setting in NUMBERS:
        value = settings.get(setting, 1)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if not is_number or (setting == "max_tokens" and (value < 1 or value != int(value))):
            whole = "a whole number of at least 1" if setting == "max_tokens" else "a number"
            words = f"{setting} of the agent {name} must be {whole}"
            raise ValueError(f"{words}, not {shown(value)}.")
