"""Readers for tests: a JSON list of steps becomes a procedure, as a front-end would make it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from django.db import connection

from procedures.engine import Context, Procedure, ProcedureFileError, procedure
from tests.crash.procedures import act

KINDS = ("ask", "do", "call")
are_inside: list[bool] = []
"""True for each text that was read inside of a transaction, else False."""


def read_steps(file: str, text: str) -> list[Procedure]:
    """A list of procedures, or one; each with its steps."""
    are_inside.append(connection.in_atomic_block)
    data = json.loads(text)
    given = data if isinstance(data, list) else [data]
    made: dict[str, Procedure] = {}
    read = []
    for one in given:
        made[one["name"]] = _procedure(one, made, text)
        read.append(made[one["name"]])
    return read


def read_lines(file: str, text: str) -> Procedure:
    """A question a line, in a file named after its procedure."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.endswith("?"):
            raise ProcedureFileError(f"{line!r} is no question.", line=number)
    name = file.rpartition("/")[2].partition(".")[0]
    steps = [{"ask": line} for line in text.splitlines()]
    return _procedure({"name": name, "steps": steps}, {}, text)


def read_nothing(file: str, text: str) -> list[Procedure]:
    return []


def read_something_else(file: str, text: str) -> Any:
    return text.split()


def leave(file: str, text: str) -> Procedure:
    raise SystemExit(f"cannot read {file}")


class Panic(BaseException):
    """An error such as parsers in other languages raise."""


class WordlessError(Exception):
    problem_mark = "somewhere"

    def __str__(self) -> str:
        raise ValueError("no words")


def panic(file: str, text: str) -> Procedure:
    raise Panic(f"cannot read {file}")


def panic_late(file: str, text: str) -> Iterator[Procedure]:
    yield from read_steps(file, text)
    raise Panic(f"cannot read {file}")


def fail_without_words(file: str, text: str) -> Procedure:
    raise WordlessError


def name_a_line_of_text(file: str, text: str) -> Procedure:
    raise ProcedureFileError("Odd.", line=cast(int, "7"))


def never_end(file: str, text: str) -> Iterator[Procedure]:
    while True:
        yield from read_steps(file, text)


def say_too_much(file: str, text: str) -> Procedure:
    raise ProcedureFileError("\x1b[2J\u202e\ud800\n" + "x" * 1_000_000, line=2)


not_a_function = 1


def _procedure(one: Mapping[str, Any], others: Mapping[str, Procedure], text: str) -> Procedure:
    for step in one["steps"]:
        if not {*step} & {*KINDS}:
            line = text[: text.index(json.dumps(next(iter(step))))].count("\n") + 1
            raise ProcedureFileError(f"A step is one of {', '.join(KINDS)}.", line=line)

    def carry_out(ctx: Context, folder: str = "") -> list[str]:
        return list(_results(ctx, folder, one["steps"], others))

    carry_out.__doc__ = one.get("doc", "")
    options = {key: one[key] for key in ("title", "roles") if key in one}
    return procedure(name=one["name"], **options)(carry_out)


def _results(
    ctx: Context, folder: str, steps: Sequence[Mapping[str, str]], others: Mapping[str, Procedure]
) -> Any:
    for number, step in enumerate(steps):
        match step:
            case {"ask": prompt}:
                yield str(bool(ctx.approve(prompt, name=f"ask-{number}")))
            case {"do": what}:
                done = (
                    ctx.step(act, folder, name=what) if folder else ctx.step(str, what, name=what)
                )
                yield str(done)
            case {"call": name}:
                yield str(ctx.call(others[name], folder=folder))
