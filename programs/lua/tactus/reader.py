"""The reader of .tac files, in the format of Tactus."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from lupa import lua54  # type: ignore[import-untyped]  # it has no types

from procedures.engine import (
    Context,
    DefinitionError,
    Limits,
    Procedure,
    ProcedureFileError,
    procedure,
)
from programs.lua.errors import ProgramError
from programs.lua.offered import ANY, PRIMITIVES, STANDARD, OfferedNames
from programs.lua.plexus import described
from programs.lua.program import PRIMITIVES as PRIMITIVES_IN_LUA
from programs.lua.program import STATELESS, Declared, Program
from programs.lua.questions import check_asking
from programs.lua.sandbox import MOST_SECONDS, ReadingLimits, ReadingTooLong, Sandbox
from programs.lua.schemas import Declaration, Family, checked_output, declaration, with_inputs
from programs.lua.syntax import check_syntax
from programs.lua.tactus.agents import Agents, Model
from programs.lua.tactus.declared import Bounds, Declarations, DeclaredAgent
from programs.lua.tactus.settings import check_procedure, checked_questions, checked_stages
from programs.lua.tactus.site_model import SiteModel
from programs.lua.tokens import Use, tokens_of
from programs.lua.values import tidy

DECLARATIONS = (Path(__file__).parent / "declarations.lua").read_text()
CONSTRUCTORS = ("Agent", "Procedure", "Tool", "Toolset", "agent", "procedure", "tool", "toolset")
MODULES = {f"tactus.io.{name}" for name in ("csv", "file", "json", "tsv")} | {"tactus.tools.done"}
NAMES = {
    **dict.fromkeys(CONSTRUCTORS, ANY),
    **dict.fromkeys(
        (
            *("Evaluation", "Evaluations", "Hitl", "Mocks", "Prompt", "Specification"),
            *("Specifications", "Stages", "default_model", "default_provider"),
            *("evaluation", "evaluations", "field", "hitl", "input", "max_depth", "max_turns"),
            *("mocks", "output", "params", "prompt", "require", "return_prompt", "specification"),
            *("specifications", "stages"),
        ),
        ANY,
    ),
    "Tool": ("called", "last_call", "last_result"),
    "python": ("iter",),
}
LOGS = ("debug", "info", "warn", "error")
GIVEN = re.compile(r"\bhost\.(\w+)")
LEADING = re.compile(r"^[\d\W_]+")
OTHER = re.compile(r"[^\w.-]", re.ASCII)


class CallNeedsRun(BaseException):
    """A file that is being read has called a function that works only in a run, so reading ends."""


@dataclass
class FileDeclarations:
    """The declarations in a file."""

    declarations: Declarations = field(default_factory=Declarations)
    procedures: dict[str, Any] = field(default_factory=dict)
    human: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """The settings of the whole file, which apply to all procedures of the file."""
    stages: list[str] = field(default_factory=list)
    specifications: list[str] = field(default_factory=list)
    main: str | None = None
    """The name of the procedure that a run of the file executes.

    It is "" for a procedure without a name, and None if the file is a script without procedures.
    """

    def declare(self, kind: Any, name: Any, declared: Any = None, functions: Any = None) -> None:
        match kind:
            case "procedure":
                if name in self.procedures:
                    raise ValueError(f"Two procedures are called {name}.")
                self.procedures[name] = declared
            case "settings":
                check_procedure(declared or {})
            case "hitl":
                self.human.update(checked_questions(name, declared or {}))
            case "setting" | "fields":
                check_procedure({name: declared} if kind == "fields" else {})
                self.settings[name] = declared
            case "stages":
                self.stages = [*checked_stages(declared or [])]
            case "specification":
                self.specifications.append(declared["text"])
            case _:
                self.declarations.declare(kind, name, declared, functions)


def read_tactus(
    file: str, text: str, *, model: Model | SiteModel | str | None = None
) -> list[Procedure]:
    """Return the main procedure of a .tac file, and the other procedures that the file declares.

    `model` answers the requests of agents: a function that takes an `AgentRequest` and returns an
    `AgentReply`, or a model of pydantic-ai, such as `SiteModel("anthropic:claude-sonnet-4-5")`. By
    default, the setting AGENT_MODEL names the model; if it is empty, a file with agents is refused.
    Raises `ProcedureFileError`, with the line, for an invalid file and for unsupported features.
    """
    uses = checked_names(text)
    asked = model if model is not None and not isinstance(model, str) else SiteModel(model)
    lines = [use.line for use in uses if use.name in ("Agent", "agent") and use.is_called]
    if lines and isinstance(asked, SiteModel) and (problem := asked.problem()):
        raise ProcedureFileError(problem, line=lines[0])
    found = declarations_of(file, text)
    check_asking(text, 1, uses, found.human)
    return Reader(file, text, found, asked, found.declarations.checked(lines)).procedures()


def specifications_in(file: str, text: str) -> list[str]:
    """Return the texts of the specifications that a file contains."""
    return declarations_of(file, text).specifications


def checked_names(text: str) -> Sequence[Use]:
    """Return the uses of names in a file.

    Raises `ProcedureFileError` for invalid Lua, and for a name that the file may not use.
    """
    check_syntax(lua54.LuaRuntime(), text, 1)
    declared = [name for use in _declared_by_name(text) for name in (use, use.capitalize())]
    offer = OfferedNames(STANDARD, PRIMITIVES, NAMES, dict.fromkeys(declared, ANY))
    uses = offer.check(text)
    for use in uses:
        if use.name == "require" and use.argument not in MODULES:
            words = f"There is no module called {use.argument!r}."
            given = words if use.argument else "require takes the name of a module in quotes."
            raise ProcedureFileError(given, line=use.line)
    return uses


def _declared_by_name(text: str) -> list[str]:
    """Return the names in declarations such as `Agent "name" {...}` or `agent("name", {...})`."""
    everything = OfferedNames(STANDARD, PRIMITIVES, NAMES)
    return [
        use.argument for use in everything.uses(text) if use.name in CONSTRUCTORS and use.argument
    ]


def declarations_of(file: str, text: str) -> FileDeclarations:
    """Execute a file up to the first call that works only in a run; return its declarations."""
    found, fence = FileDeclarations(), ReadingLimits()
    sandbox = Sandbox(_NoClock(), fence)
    own: dict[str, Any] = {"declare": found.declare, **dict.fromkeys(LOGS, _ignore), **STATELESS}
    texts = (PRIMITIVES_IN_LUA, DECLARATIONS)
    names = {name for text in texts for name in GIVEN.findall(text)}
    given = {name: sandbox.leaf(own.get(name, _begin)) for name in names}
    api = [sandbox.extend(text, "declarations", given) for text in texts][-1]
    try:
        sandbox.enter(sandbox.load(text, file))
    except CallNeedsRun:
        if any(use.name in ("Procedure", "procedure") for use in _calls(text)):
            words = (
                "Before its Procedure, the file calls a function that works only in a run. Move "
                "this call into the Procedure."
            )
            raise ProcedureFileError(words, line=_line_of(fence)) from None
        return found
    except ReadingTooLong as error:
        words = str(error).removeprefix(f"{fence.place}: ")
        raise ProcedureFileError(words, line=_line_of(fence)) from None
    except ProgramError as error:
        raise _at_its_line(file, str(error)) from None
    if api["has_several"]():
        last = [use.line for use in _calls(text) if use.name in ("Procedure", "procedure")][-1]
        words = "Two procedures of the file have no name, but only one may have none."
        raise ProcedureFileError(f"{words} Name the other.", line=last)
    if api["has_main"]():
        found.main = ""
        found.procedures[""] = sandbox.call(api["main_settings"])[0]
    elif found.procedures:
        found.main = "main" if "main" in found.procedures else next(iter(found.procedures))
    return found


def _calls(text: str) -> list[Use]:
    uses = OfferedNames(STANDARD, PRIMITIVES, NAMES).uses(text)
    return [use for use in uses if use.is_called and not use.field]


def _at_its_line(file: str, message: str) -> ProcedureFileError:
    """Return an error about the declarations, at the line with which `message` begins."""
    place, _, rest = message.removeprefix(f"{file}:").partition(": ")
    if message.startswith(f"{file}:") and place.isdigit():
        return ProcedureFileError(rest, line=int(place))
    return ProcedureFileError(message)


def _line_of(fence: ReadingLimits) -> int | None:
    line = fence.place.rpartition(" ")[2]
    return int(line) if line.isdigit() else None


def _begin(*_: Any) -> NoReturn:
    raise CallNeedsRun


class _NoClock:
    """A clock for files that are being read.

    Each call ends the reading, because results must not depend on time.
    """

    time = date = clock = random = whole = staticmethod(_begin)


@dataclass(frozen=True)
class Reader:
    """A file that has been checked, and the model that answers the file's agents."""

    file: str
    text: str
    found: FileDeclarations
    model: Model | SiteModel
    agents: Sequence[DeclaredAgent]

    def procedures(self) -> list[Procedure]:
        stem = name_of(self.file)
        family: Family = {}
        for name in self.found.procedures:
            if name != self.found.main:
                family[name] = self._procedure(f"{stem}.{name}", name, family)
        return [*family.values(), self._procedure(stem, self.found.main, family)]

    def _procedure(self, full_name: str, name: str | None, family: Family) -> Procedure:
        known = self.found.procedures.get(name) if name is not None else None
        settings: Mapping[str, Any] = known if isinstance(known, dict) else {}
        if name == self.found.main:  # its inputs and outputs may be those of the file
            settings = {**self.found.settings, **settings}
        inputs = self._declarations(settings.get("input"), "input")
        outputs = self._declarations(settings.get("output"), "output")
        bounds = self._bounds(settings, outputs)
        declared = Declared(self.file, self.found.stages, self.found.human, family)
        body = with_inputs(self._body(declared, name, outputs, bounds), inputs, family)
        body.__doc__ = described(str(settings.get("description") or ""), self.found.stages)
        roles = settings.get("roles") or {}
        title = str(settings.get("title") or "")
        limits = Limits(depth=bounds.most_depth)
        subject = str(settings.get("subject") or "")
        given: dict[str, Any] = {
            "title": title,
            "subject": subject,
            "roles": roles,
            "limits": limits,
        }
        try:
            return procedure(name=full_name, **given)(body)
        except DefinitionError as error:
            raise ProcedureFileError(str(error), line=self._line_of(error)) from None

    def _line_of(self, error: DefinitionError) -> int | None:
        """Return the line of the setting that an error is about."""
        named = ("roles", "subject", "title")
        about = next((one for one in named if f"{one}=" in str(error)), "title")
        return self._line(about) or None

    def _bounds(self, declared: Mapping[str, Any], outputs: Sequence[Declaration]) -> Bounds:
        """Return the limits of a procedure.

        Settings of the procedure override those of the file.
        """
        given = {**self.found.settings, **declared}
        try:
            return Bounds.of(given, has_outputs=bool(outputs), has_agents=bool(self.agents))
        except (TypeError, ValueError) as error:
            name = str(error).partition(" ")[0]
            line = next((one.line for one in tokens_of(self.text) if one.text == name), None)
            raise ProcedureFileError(str(error), line=line) from None

    def _declarations(self, declared: Any, of: str) -> list[Declaration]:
        """Return the declared inputs, or outputs, in the order in which the file declares them."""
        fields = declared if isinstance(declared, dict) else {}
        lines = {name: self._line(name) for name in fields}
        listed = sorted(fields, key=lambda name: lines[name])
        return [declaration(name, fields[name], lines[name] or None, of=of) for name in listed]

    def _line(self, name: str) -> int:
        tokens = tokens_of(self.text)
        pairs = pairwise(tokens)
        return next((one.line for one, after in pairs if (one.text, after.text) == (name, "=")), 0)

    def _body(
        self,
        declared: Declared,
        name: str | None,
        outputs: list[Declaration],
        bounds: Bounds,
    ) -> Callable[[Context, Mapping[str, Any], Family], Any]:
        def carry_out(ctx: Context, given: Mapping[str, Any], _family: Family) -> Any:
            inputs = {key: tidy(one) for key, one in given.items()}
            with ctx.watch(MOST_SECONDS) as watch:
                program = Program(ctx, watch, declared)
                agents = Agents(
                    ctx, self.model, program.sessions, self.agents, most_turns=bounds.most_turns
                )
                agents.begin(inputs)
                program.count_turns = lambda: agents.turns
                sandbox = program.sandbox
                added: dict[str, Any] = {"declare": _ignore, "note_result": agents.note_result}
                quiet = {key: sandbox.leaf(fn) for key, fn in added.items()}
                ask = sandbox.leaf(agents.ask, rests=True)
                given_too = {**program.given, **quiet, "ask_model": ask}
                api = sandbox.extend(DECLARATIONS, "declarations", given_too)
                for group in ("input", "params"):
                    sandbox.define(group, inputs)
                api["accept_inputs"]()
                chunk = sandbox.load(self.text, self.file)
                if name is None:
                    found = sandbox.call(chunk)
                else:
                    sandbox.enter(chunk)
                    found = sandbox.call(api["call"], name, inputs)
                result = found[0] if found else None
                if result is None and bounds.return_prompt:
                    with watch.resting():
                        return agents.summary(bounds.return_prompt)
            return checked_output(result, outputs)

        return carry_out


def _ignore(*_: Any) -> None:
    return


def name_of(file: str) -> str:
    """Return the name of a file's procedure.

    It is the name of the file without extension and leading digits: "refund" for "01_refund.tac".
    """
    stem = LEADING.sub("", PurePosixPath(file).name.partition(".")[0])
    found = OTHER.sub("_", stem)
    if not found:
        raise ProcedureFileError(
            "The file's name needs a letter, because the procedure is named after the file."
        )
    return found
