"""The options of a program's questions. They are checked when the file is read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from procedures.engine import ProcedureFileError
from procedures.engine.values.spelling import meant
from programs.lua.primitives.asking import ON_TIMEOUT, PASSED_ON
from programs.lua.primitives.options import seconds_of, shown
from programs.lua.tokens import Token, Use, tokens_of

COMMON = (
    *("message", "context", "timeout", "default", "on_timeout", "config_key"),
    *("title", "description", "metadata"),
    *PASSED_ON,
)
OF_VERB: Mapping[str, Collection[str]] = {
    "approve": ("yes", "no"),
    "input": ("options", "placeholder"),
    "select": ("options",),
    "review": ("artifact", "artifact_type", "options"),
    "escalate": ("severity",),
    "upload": ("accept", "max_size", "multiple"),
    "inputs": (),
}
"""The functions of `Human` that ask, each with the options that only it takes."""
VERBS: Mapping[str, str] = {
    "approval": "approve",
    "input": "input",
    "select": "select",
    "choice": "select",
    "review": "review",
    "escalation": "escalate",
    "upload": "upload",
    "inputs": "inputs",
}
"""The functions that ask questions, keyed by the types by which a file declares the questions."""


def fault_of_declared(name: str, declared: Mapping[str, Any]) -> str:
    """Return what is wrong with a declared question, or "" if a program can ask it."""
    kind = declared.get("type")
    if kind is not None and kind not in VERBS:
        known = meant(str(kind), VERBS) or f" The types are {', '.join(VERBS)}."
        return f"The question {name} has the type {shown(kind)}.{known}"
    verbs = OF_VERB if kind is None else (VERBS[kind],)
    options = {*COMMON, *(one for verb in verbs for one in OF_VERB[verb])}
    for key in declared:
        if key != "type" and key not in options:
            return f"The question {name} can't have {key!r}.{meant(str(key), options)}"
    return _fault_of_values(name, declared)


def _fault_of_values(name: str, declared: Mapping[str, Any]) -> str:
    if declared.get("on_timeout", "default") not in ON_TIMEOUT:
        words = f"{', '.join(ON_TIMEOUT)}, not {shown(declared['on_timeout'])}"
        return f"on_timeout of the question {name} must be one of {words}."
    options = declared.get("options")
    if options is not None and not (isinstance(options, list) and options):
        words = f"must be a list that isn't empty, not {shown(options)}"
        return f"The options of the question {name} {words}."
    if declared.get("type") == "approval" and not isinstance(declared.get("default"), bool | None):
        words = f"default of the question {name} must be true or false"
        return f"{words}, not {shown(declared['default'])}."
    try:
        seconds_of(declared.get("timeout"), f"timeout of the question {name}")
    except TypeError as error:
        return str(error)
    return ""


def check_asking(code: str, first: int, uses: Sequence[Use], human: Mapping[str, Any]) -> None:
    """Check the names and the options of the questions that code asks.

    Options are checked only if the call contains them as a table. `uses` are the uses of names in
    the code, and `human` contains the declared questions. Raises `ProcedureFileError`, with the
    line.
    """
    for use in uses:
        if why := _fault_of_name(use, human):
            raise ProcedureFileError(why, line=use.line)
    for verb, key, value, after in _written_options(tokens_of(code, first)):
        options = (*COMMON, *OF_VERB[verb])
        if key.text not in options:
            words = f"Human.{verb} can't have {key.text!r}.{meant(key.text, options)}"
            raise ProcedureFileError(words, line=key.line)
        is_literal = value.kind in ("text", "number") and after.text in (",", ";", "}")
        if (verb, key.text) == ("approve", "default") and is_literal:
            words = f"default of Human.approve must be true or false, not {value.text:.50}."
            raise ProcedureFileError(words, line=key.line)


def _fault_of_name(use: Use, human: Mapping[str, Any]) -> str:
    if use.name != "Human" or use.field not in OF_VERB or not use.argument:
        return ""
    if use.argument not in human:
        return f"The file declares no question named {use.argument!r} in its `hitl`."
    kind = (human[use.argument] or {}).get("type", "")
    verb = VERBS.get(kind, use.field)
    if verb != use.field:
        return f"{use.argument} is declared with the type {kind}. Ask it with Human.{verb}."
    return ""


def _written_options(tokens: Sequence[Token]) -> Iterator[tuple[str, Token, Token, Token]]:
    """Yield a tuple for each key in the table of a call of a function of `Human`.

    It has the name of the function, the key, and the first two tokens after the equals sign: the
    second one shows if the value ends with the first. Calls of `Human.inputs` are left out.
    """
    for place, token in enumerate(tokens[:-4]):
        dot, verb, *after = tokens[place + 1 : place + 5]
        if (token.text, dot.text) != ("Human", ".") or verb.text not in OF_VERB:
            continue
        opening = [one.text for one in after]
        if (
            "{" in opening
            and opening[: opening.index("{")] in ([], ["("])
            and verb.text != "inputs"
        ):
            for key, value, after_value in _keys(tokens, place + 3 + opening.index("{")):
                yield verb.text, key, value, after_value


def _keys(tokens: Sequence[Token], opening: int) -> Iterator[tuple[Token, Token, Token]]:
    """Yield the names before the equals signs of a table whose brace is at this index.

    Each is yielded with the two tokens after the equals sign.
    """
    depth = 0
    for place in range(opening, len(tokens) - 3):
        token, after = tokens[place], tokens[place + 1]
        if token.kind == "mark":
            depth += (token.text in "{([") - (token.text in "})]")
        elif token.text in ("function", "if", "do"):
            return  # what follows isn't only a table: its names may be those of statements
        if depth == 0:
            return
        is_first = tokens[place - 1].text in {"{", ",", ";"}
        if depth == 1 and token.kind == "name" and is_first and after.text == "=":
            yield token, tokens[place + 2], tokens[place + 3]
