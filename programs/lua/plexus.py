"""The reader of YAML files with Lua code, in the format of the Procedure DSL of Plexus."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from lupa import lua54  # type: ignore[import-untyped]  # it has no types

from procedures.engine import (
    Context,
    DefinitionError,
    Limits,
    Procedure,
    ProcedureFileError,
    procedure,
)
from procedures.engine.declaration.roles import ROLES
from procedures.engine.values.spelling import meant, short_repr
from programs.fenced_yaml import compose_yaml
from programs.lua.errors import GuardError
from programs.lua.offered import ANY, PRIMITIVES, STANDARD, OfferedNames
from programs.lua.program import Declared, Program
from programs.lua.questions import check_asking, fault_of_declared
from programs.lua.sandbox import MOST_SECONDS
from programs.lua.schemas import (
    Declaration,
    Family,
    checked_limit,
    checked_output,
    declaration,
    with_inputs,
)
from programs.lua.syntax import check_syntax
from programs.lua.tokens import Use
from programs.lua.values import tidy

KNOWN = {
    *("name", "version", "description", "class", "title", "subject", "roles", "params"),
    *(
        "outputs",
        "code",
        "guards",
        "hitl",
        "stages",
        "procedures",
        "agents",
        "dependencies",
        "prompts",
    ),
    *("return_prompt", "error_prompt", "status_prompt"),
    *("async", "max_depth", "max_turns", "checkpoint_interval"),
}
GROUPS: Mapping[type, tuple[str, ...]] = {
    dict: ("params", "outputs", "roles", "hitl", "procedures", "agents", "dependencies", "prompts"),
    list: ("guards", "stages"),
    str: ("name", "title", "subject", "description", "code"),
}
"""The keys of a file whose values must have a certain type, keyed by that type."""
TYPE_WORDS: Mapping[type, str] = {dict: "a mapping", list: "a list of strings", str: "a string"}
OFFER = (STANDARD, PRIMITIVES, {"params": ANY})


def read_plexus(file: str, text: str) -> list[Procedure]:
    """Return the procedure that a YAML file defines, and the procedures that are nested in it.

    Raises `ProcedureFileError`, with the line, for an invalid file and for unsupported features.
    """
    node = compose_yaml(text)
    if not isinstance(node, yaml.MappingNode):
        words = "The file must be a mapping with the keys 'name' and 'code'."
        raise ProcedureFileError(words, line=1)
    document = Loader("").construct_document(node)
    return [*_procedures(FileMapping(file, document, node), str(document.get("name") or ""))]


class Loader(yaml.SafeLoader):
    """A YAML loader that reads all keys and all dates as strings, such as `on` and `2026-11-30`."""

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        return {key.value: self.construct_object(one, deep=True) for key, one in node.value}

    def text(self, node: yaml.ScalarNode) -> str:
        return str(node.value)


Loader.add_constructor("tag:yaml.org,2002:map", Loader.mapping)
Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.text)


@dataclass(frozen=True)
class FileMapping:
    """A mapping in a file, which knows the line numbers of the keys in it."""

    file: str
    content: Mapping[str, Any]
    node: yaml.MappingNode

    def line(self, *path: str) -> int:
        """Return the line number of the key to which the path leads: `line("hitl", "ask")`.

        If that key doesn't exist, the line number of the last existing key of the path is returned.
        """
        node: yaml.Node = self.node
        line = node.start_mark.line
        for name in path:
            found = _entry(node, name)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        return line + 1

    def code_line(self, *path: str | int) -> int:
        """Return the line number of the beginning of the code to which the path leads."""
        node: yaml.Node = self.node
        for name in path:
            if isinstance(name, int):
                node = node.value[name]
            elif found := _entry(node, name):
                node = found[1]
        is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        return node.start_mark.line + (2 if is_block else 1)

    def inner(self, *path: str) -> "FileMapping":
        """Return the mapping to which the path leads.

        Raises `ProcedureFileError` if the value at the end of the path isn't a mapping.
        """
        value: Any = self.content
        node: yaml.Node = self.node
        for name in path:
            found = _entry(node, name)
            value, node = value[name], found[1] if found else node
        if not isinstance(value, dict) or not isinstance(node, yaml.MappingNode):
            words = f"{'.'.join(path)} must be a mapping, not {short_repr(value)}."
            raise ProcedureFileError(words, line=self.line(*path))
        return FileMapping(self.file, value, node)


def _entry(node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _procedures(part: FileMapping, name: str) -> Iterator[Procedure]:
    """Yield the procedures nested in a mapping, then the procedure that the mapping defines."""
    _check(part, name)
    family: Family = {}
    for inner in part.content.get("procedures") or {}:
        for one in _procedures(part.inner("procedures", inner), f"{name}.{inner}"):
            yield one
        family[inner] = one
    yield _procedure(part, name, family)


def _check(part: FileMapping, name: str) -> None:
    for key in part.content:
        if key not in KNOWN:
            words = f"Unknown key {key!r:.50}.{meant(key, KNOWN)}"
            raise ProcedureFileError(words, line=part.line(key))
    _check_kinds(part)
    if not name:
        raise ProcedureFileError("The file needs the key 'name'.", line=1)
    if not part.content.get("code"):
        raise ProcedureFileError("The file needs the key 'code'.", line=part.line("code"))
    for key, value in (part.content.get("dependencies") or {}).items():
        _check_dependency(key, value, part.line("dependencies", key))


def _check_dependency(key: str, value: Any, line: int) -> None:
    if key == "tools" and value:
        listed = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        raise ProcedureFileError(f"Tools aren't supported: {listed}.", line=line)
    if key not in ("procedures", "tools"):
        words = f"dependencies can't have {key!r:.50}.{meant(key, ('procedures',))}"
        raise ProcedureFileError(words, line=line)


def _check_kinds(part: FileMapping) -> None:
    for kind, keys in GROUPS.items():
        for key in keys:
            _check_kind(part, key, kind)
    for key, value in (part.content.get("hitl") or {}).items():
        declared = {} if value is None else part.inner("hitl", key).content
        if why := fault_of_declared(key, declared):
            raise ProcedureFileError(why, line=part.line("hitl", key))
    if why := fault_of_stages(part.content.get("stages") or []):
        raise ProcedureFileError(why, line=part.line("stages"))
    for guard in part.content.get("guards") or []:
        if not guard.strip():
            raise ProcedureFileError("A guard is empty.", line=part.line("guards"))


def _check_kind(part: FileMapping, key: str, kind: type) -> None:
    value = part.content.get(key)
    if value is None:
        return
    if not isinstance(value, kind):
        words = f"{key} must be {TYPE_WORDS[kind]}, not {short_repr(value)}."
        raise ProcedureFileError(words, line=part.line(key))
    if isinstance(value, list) and (odd := [one for one in value if not isinstance(one, str)]):
        words = f"{key} must be {TYPE_WORDS[kind]}. Write {odd[0]!r} in quotes."
        raise ProcedureFileError(words, line=part.line(key))


def _procedure(part: FileMapping, name: str, family: Family) -> Procedure:
    content = part.content
    inputs = _declarations(part, "params", "input")
    outputs = _declarations(part, "outputs", "output")
    chunks = _chunks(part)
    stages = list(content.get("stages") or [])
    human = {key: dict(value or {}) for key, value in (content.get("hitl") or {}).items()}
    declared = Declared(part.file, stages, human, family)
    _check_children(part, _check_code(part, chunks, human), family)
    body = with_inputs(_body(declared, chunks, outputs), inputs, family)
    body.__doc__ = described(str(content.get("description") or ""), stages)
    roles: Any = part.inner("roles").content if content.get("roles") else {}
    if why := fault_of_roles(roles):
        raise ProcedureFileError(why, line=part.line("roles"))
    title = str(content.get("title") or "")
    try:
        limits = Limits(depth=checked_limit(content.get("max_depth"), "max_depth"))
    except ValueError as error:
        raise ProcedureFileError(str(error), line=part.line("max_depth")) from None
    subject = str(content.get("subject") or "")
    try:
        return procedure(name=name, title=title, subject=subject, roles=roles, limits=limits)(body)
    except DefinitionError as error:
        raise ProcedureFileError(str(error), line=part.line("subject")) from None


def fault_of_stages(stages: Sequence[str]) -> str:
    """Return what is wrong with the names of stages, or "" if nothing is."""
    twice = next((one for one in stages if list(stages).count(one) > 1), None)
    if twice is not None:
        return f"The stage {twice!r:.50} is given twice."
    if "" in map(str.strip, stages):
        return "The name of a stage is blank."
    odd = next((one for one in stages if not one.isprintable()), "")
    invisible = next((one for one in odd if not one.isprintable()), "")
    return odd and f"The stage {odd!r:.50} contains {invisible!r}, which can't be printed."


def fault_of_roles(roles: Mapping[Any, Any]) -> str:
    """Return what is wrong with the keys of `roles`, or "" if nothing is."""
    odd = next((one for one in roles if one not in ROLES), None)
    return "" if odd is None else f"roles can't have {odd!r:.50}. The roles are {', '.join(ROLES)}."


def described(text: str, stages: Sequence[str]) -> str:
    """Return the description of a program, followed by the names of its stages."""
    listed = f"Stages: {' → '.join(stages)}." if stages else ""
    return "\n\n".join(filter(None, (text.strip(), listed)))


@dataclass(frozen=True)
class Chunk:
    """A piece of Lua code, with the number of the line of the file on which the code begins."""

    code: str
    line: int


def _chunks(part: FileMapping) -> list[Chunk]:
    """Return the guards of a program in their order, followed by the program's code."""
    guards = part.content.get("guards") or []
    found = [Chunk(guard, part.code_line("guards", place)) for place, guard in enumerate(guards)]
    return [*found, Chunk(part.content["code"], part.code_line("code"))]


def _declarations(part: FileMapping, group: str, of: str) -> list[Declaration]:
    if not part.content.get(group):
        return []
    listed = part.inner(group).content.items()
    return [
        declaration(name, declared, part.line(group, str(name)), of=of) for name, declared in listed
    ]


def _check_code(part: FileMapping, chunks: Sequence[Chunk], human: Mapping[str, Any]) -> list[Use]:
    """Return the uses of names in all chunks.

    Raises `ProcedureFileError` for invalid Lua, for a name that the code may not use, and for a
    question that can't be asked.
    """
    found: list[Use] = []
    runtime = lua54.LuaRuntime()
    agents = {
        f(str(name)) for name in part.content.get("agents") or {} for f in (str, _capitalized)
    }
    for chunk in chunks:
        check_syntax(runtime, chunk.code, chunk.line)
        try:
            uses = OfferedNames(*OFFER).check(chunk.code, chunk.line)
        except ProcedureFileError as error:
            name = str(error).partition(" ")[0]
            if name not in agents:
                raise
            words = f"The agent {name} can't run: agents are offered in .tac files only."
            raise ProcedureFileError(words, line=error.line) from None
        check_asking(chunk.code, chunk.line, uses, human)
        found += uses
    return found


def _check_children(part: FileMapping, uses: Sequence[Use], family: Family) -> None:
    """Raise `ProcedureFileError` if the code starts a procedure that the file doesn't list.

    The list is `dependencies.procedures`. A file without this list may start any procedure of the
    site.
    """
    listed = (part.content.get("dependencies") or {}).get("procedures")
    if listed is None:
        return
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        line = part.line("dependencies", "procedures")
        words = f"dependencies.procedures must be a list of names, not {short_repr(listed)}."
        raise ProcedureFileError(words, line=line)
    for use in uses:
        is_start = use.name == "Procedure" and use.field in ("run", "spawn") and use.argument
        if is_start and use.argument not in (*family, *listed):
            words = f"The code starts {use.argument!r}, which isn't in dependencies.procedures."
            raise ProcedureFileError(words, line=use.line)


def _capitalized(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _body(
    declared: Declared, chunks: Sequence[Chunk], outputs: list[Declaration]
) -> Callable[[Context, Mapping[str, Any], Family], Any]:
    def carry_out(ctx: Context, given: Mapping[str, Any], _family: Family) -> Any:
        with ctx.watch(MOST_SECONDS) as watch:
            program = Program(ctx, watch, declared)
            sandbox = program.sandbox
            sandbox.define("params", {name: tidy(one) for name, one in given.items()})
            *guards, code = [sandbox.load(one.code, declared.file, one.line) for one in chunks]
            for guard in guards:
                returned = [*sandbox.call(guard), None, None]
                if not returned[0]:
                    raise GuardError(
                        str(returned[1] or "A guard of the program has refused the run.")
                    )
            found = sandbox.call(code)
            program.sessions.post()
        return checked_output(found[0] if found else None, outputs)

    return carry_out
