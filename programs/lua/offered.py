"""The names that programs may use. A file that uses any other name is refused when it is read."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from procedures.engine import ProcedureFileError
from programs.lua.tokens import Use, tokens_of, uses_in

ANY: Collection[str] = ()
STANDARD: Mapping[str, Collection[str]] = {
    **dict.fromkeys(
        (
            *("assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print"),
            *("rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber"),
            *("tostring", "type", "unpack", "xpcall", "_G", "_VERSION"),
        ),
        ANY,
    ),
    "coroutine": (
        *("close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield"),
    ),
    "math": (
        *("abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge"),
        *("log", "max", "maxinteger", "min", "mininteger", "modf", "pi", "rad", "random"),
        *("randomseed", "sin", "sqrt", "tan", "tointeger", "type", "ult"),
    ),
    "os": ("clock", "date", "difftime", "time"),
    "string": (
        *("byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack"),
        *("packsize", "rep", "reverse", "sub", "unpack", "upper"),
    ),
    "table": ("concat", "insert", "move", "pack", "remove", "sort", "unpack"),
    "utf8": ("char", "charpattern", "codepoint", "codes", "len", "offset"),
}
PRIMITIVES: Mapping[str, Collection[str]] = {
    "Checkpoint": ("clear_after", "clear_all", "exists", "get"),
    "File": ("exists", "read", "size", "write"),
    "Human": (
        *("approve", "escalate", "input", "inputs", "multiple", "notify", "review", "select"),
        "upload",
    ),
    "Iterations": ("current", "exceeded"),
    "Json": ("decode", "encode"),
    "Log": ("debug", "error", "info", "warn", "warning"),
    "MessageHistory": ("append", "clear", "count", "get", "inject_system"),
    "Procedure": (
        *("all_complete", "cancel", "inject", "is_complete", "run", "spawn", "status", "wait"),
        *("wait_all", "wait_any"),
    ),
    "Retry": ("with_backoff",),
    "Session": ("append", "clear", "count", "history", "inject_system"),
    "Sleep": ANY,
    "Stage": ("advance", "count", "current", "history", "is", "progress", "set"),
    "State": ("all", "append", "clear", "delete", "get", "increment", "set"),
    "Step": ("checkpoint", "run"),
    "Stop": ("reason", "requested"),
    "System": ("alert",),
    "checkpoint": ANY,
    "state": ANY,
}
INSTEAD = {
    "Model": "Trained models aren't supported. Call yours in a Python procedure.",
    "Classify": "Classifiers aren't supported. Ask an agent, or call yours in a Python procedure.",
    "Corpus": "Corpora aren't supported. Read files with File.read.",
    "Retriever": "Retrievers aren't supported. Read files with File.read.",
    "load": "Code can't be loaded at run time.",
    "require": "Modules aren't supported here.",
    "io": "Use File.read and File.write.",
    "debug": "The debug library isn't supported.",
    "error_prompt": "Remove it: people see the error of a failed run anyway.",
    "status_prompt": "Remove it: people see the stage and the progress of a run anyway.",
}


class OfferedNames:
    """The names that files of one kind may use."""

    def __init__(self, *names: Mapping[str, Collection[str]]) -> None:
        self._names = {name: fields for group in names for name, fields in group.items()}

    def uses(self, code: str, first: int = 1) -> Sequence[Use]:
        """Return all uses of names that the code itself doesn't define.

        `first` is the line number of the code's first line.
        """
        return list(uses_in(tokens_of(code, first)))

    def check(self, code: str, first: int = 1) -> Sequence[Use]:
        """Return the uses of names that the code doesn't define.

        Raises `ProcedureFileError` for a name that files of this kind may not use.
        """
        uses = self.uses(code, first)
        for use in uses:
            if problem := self._problem(use):
                raise ProcedureFileError(problem, line=use.line)
        return uses

    def _problem(self, use: Use) -> str:
        if use.name not in self._names:
            hint = INSTEAD.get(use.name) or _nearest(use.name, self._names)
            return f"{use.name} isn't known. {hint}".rstrip()
        fields = self._names[use.name]
        if use.field and fields and use.field not in fields:
            hint = _nearest(use.field, fields)
            return f"{use.name}.{use.field} isn't supported. {hint}".rstrip()
        return ""


def _nearest(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name, known, n=1)
    return f"Did you mean {found[0]}?" if found else ""
