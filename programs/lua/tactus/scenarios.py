"""The specifications in .tac files: scenarios with inputs, models' replies and expectations."""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from programs.lua.tactus.agents import AgentReply, AgentRequest, ToolCall

KEYWORD = re.compile(r"^(Given|When|Then|And|But|\*)\s+", re.IGNORECASE)
USUAL_LIKENESS = 0.8


@dataclass(frozen=True)
class ScenarioResult:
    """The result of a run of a scenario, and what happened in the run."""

    has_succeeded: bool
    output: Any
    state: Mapping[str, Any]
    called: Sequence[str]
    """The names of the tools that were called, in the order of the calls."""
    turns: int
    error: str = ""


@dataclass
class Scenario:
    """One scenario: inputs for the run, replies of models, and expectations about the result."""

    name: str
    inputs: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    calls: dict[str, list[ToolCall]] = field(default_factory=dict)
    expectations: list[tuple[str, Callable[[ScenarioResult], bool]]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """The lines of the scenario that this reader doesn't understand."""

    def model(self, request: AgentRequest) -> AgentReply:
        """Return the reply that the scenario gives for the agent of the request."""
        is_after_tools = bool(request.messages) and request.messages[-1]["role"] == "tool"
        calls = [] if is_after_tools else self.calls.get(request.agent, [])
        return AgentReply(self.replies.get(request.agent, ""), tuple(calls))

    def failures(self, seen: ScenarioResult) -> list[str]:
        """Return the expectations that the run didn't meet, and the unknown lines."""
        return [*self.unknown, *(line for line, check in self.expectations if not check(seen))]


def scenarios_of(text: str) -> list[Scenario]:
    """Return the scenarios in a specification, which is written in Gherkin."""
    found: list[Scenario] = []
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("Scenario:"):
            found.append(Scenario(line.removeprefix("Scenario:").strip()))
        elif found and KEYWORD.match(line):
            _take(found[-1], KEYWORD.sub("", line))
    return found


def _take(scenario: Scenario, line: str) -> None:
    for pattern, take in SETTINGS:
        if match := pattern.fullmatch(line):
            take(scenario, *match.groups())
            return
    for pattern, expect in EXPECTATIONS:
        if match := pattern.fullmatch(line):
            scenario.expectations.append((line, expect(*match.groups())))
            return
    scenario.unknown.append(line)


def _ignore(_scenario: Scenario, *_: str) -> None:
    return


def _set_input(scenario: Scenario, name: str, value: str) -> None:
    scenario.inputs[name] = value_of(value)


def _set_reply(scenario: Scenario, agent: str, text: str) -> None:
    scenario.replies[agent] = text


def _add_call(scenario: Scenario, agent: str, tool: str, args: str) -> None:
    arguments = value_of(args)
    given = value_of(arguments) if isinstance(arguments, str) else arguments
    calls = scenario.calls.setdefault(agent, [])
    calls.append(ToolCall(tool, given if isinstance(given, dict) else {}))


Setting = tuple[re.Pattern[str], Callable[..., None]]
WAYS: Sequence[tuple[str, Callable[..., None]]] = [
    (r"the procedure has started", _ignore),
    (r"the procedure runs?", _ignore),
    (r"the \w+ agent takes turns?", _ignore),
    (r'the message is "(.*)"', _ignore),
    (r"the input (\w+) is (.+)", _set_input),
    (r"the (\w+) parameter is (.+)", _set_input),
    (r'the agent "(\w+)" responds with "(.*)"', _set_reply),
    (r'the agent "(\w+)" calls tool "(\w+)" with args (.+)', _add_call),
]
SETTINGS: Sequence[Setting] = [(re.compile(pattern), take) for pattern, take in WAYS]


def value_of(text: str) -> Any:
    """Return the value of a JSON text or a Python literal; any other text is its own value."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    return text


def _is_equal(actual: Any, text: str) -> bool:
    expected = value_of(text)
    if isinstance(actual, bool) or text.lower() in ("true", "false"):
        return str(actual).lower() == text.lower()
    if isinstance(expected, int | float) and isinstance(actual, int | float):
        return actual == expected
    return str(actual) == str(expected)


def _similarity(text: str, other: str) -> float:
    """Return the similarity of two texts from 0 to 1; it is 1 if one text contains the other."""
    short, long = sorted((text.lower(), other.lower()), key=len)
    whole = SequenceMatcher(None, short, long, autojunk=False).ratio()
    return 1.0 if short and short in long else whole


def _texts(listed: str) -> Iterator[str]:
    values = value_of(listed)
    yield from map(str, values) if isinstance(values, list) else [str(values)]


def _output(name: str) -> Callable[[ScenarioResult], Any]:
    return lambda seen: seen.output.get(name) if isinstance(seen.output, dict) else None


def _state(name: str) -> Callable[[ScenarioResult], Any]:
    return lambda seen: seen.state.get(name)


Expect = Callable[..., Callable[[ScenarioResult], bool]]
READ = {"output": _output, "state": _state}


def _equals(of: str, name: str, value: str) -> Callable[[ScenarioResult], bool]:
    read = READ[of](name)
    return lambda seen: _is_equal(read(seen), value)


def _differs(of: str, name: str, value: str) -> Callable[[ScenarioResult], bool]:
    read = READ[of](name)
    return lambda seen: not _is_equal(read(seen), value)


def _exists(of: str, name: str) -> Callable[[ScenarioResult], bool]:
    read = READ[of](name)
    return lambda seen: read(seen) is not None


def _matches(of: str, name: str, pattern: str) -> Callable[[ScenarioResult], bool]:
    read, wanted = READ[of](name), re.compile(pattern)
    return lambda seen: wanted.search(str(read(seen))) is not None


def _is_like(text: str, likeness: str | None = None) -> Callable[[ScenarioResult], bool]:
    least = float(likeness) if likeness else USUAL_LIKENESS
    return lambda seen: any(_similarity(str(seen.output), one) >= least for one in _texts(text))


def _called(tool: str) -> Callable[[ScenarioResult], bool]:
    return lambda seen: tool in seen.called


def _not_called(tool: str) -> Callable[[ScenarioResult], bool]:
    return lambda seen: tool not in seen.called


def _called_often(tool: str, how: str, times: str) -> Callable[[ScenarioResult], bool]:
    wanted = int(times)
    is_exact = how == "exactly"

    def check(seen: ScenarioResult) -> bool:
        count = list(seen.called).count(tool)
        return count == wanted if is_exact else count >= wanted

    return check


def _fewer_turns(most: str) -> Callable[[ScenarioResult], bool]:
    return lambda seen: seen.turns < int(most)


EXPECTED: Sequence[tuple[str, Expect]] = [
    (r"the procedure should complete successfully", lambda: lambda seen: seen.has_succeeded),
    (r"the procedure should fail", lambda: lambda seen: not seen.has_succeeded),
    (r"the output should exist", lambda: lambda seen: seen.output is not None),
    (r"the output should fuzzy match (?:any of )?(.+?)(?: with threshold ([\d.]+))?", _is_like),
    (r'the (output|state) (\w+) should match pattern "(.+)"', _matches),
    (r"the (output|state) (\w+) should exist", _exists),
    (r"the (output|state) (\w+) should not be (.+)", _differs),
    (r"the (output|state) (\w+) should be (.+)", _equals),
    (r"the (\w+) tool should be called", _called),
    (r"the (\w+) tool should not be called", _not_called),
    (r"the (\w+) tool should be called (at least|exactly) (\d+) times?", _called_often),
    (r"the total iterations should be less than (\d+)", _fewer_turns),
]
EXPECTATIONS: Sequence[tuple[re.Pattern[str], Expect]] = [
    (re.compile(pattern), expect) for pattern, expect in EXPECTED
]
