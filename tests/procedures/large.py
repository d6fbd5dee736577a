"""Procedures whose texts and values are as large as a test wants them."""

from collections.abc import Callable
from typing import Any

from pydantic import Field, create_model

from procedures.engine import Context, File, Step, procedure
from procedures.engine.errors import EngineError


def model_of(length: int) -> Any:
    fields: Any = {f"field_{number}": (str, Field()) for number in range(length)}
    return create_model("Asked", **fields)


def nested(depth: int) -> Any:
    value: Any = {"deepest": 1}
    for _ in range(depth - 1):
        value = {"in": value}
    return value


def say_it(ctx: Context, how: str, length: int) -> Any:
    text = ("word " * (length // 5 + 1))[: length - 1] + "x"
    acts: dict[str, Callable[[], Any]] = {
        "prompt": lambda: ctx.approve(text),
        "label": lambda: ctx.approve("Go?", yes=text),
        "option": lambda: ctx.choose("Which?", [text, "no"]),
        "options": lambda: ctx.choose("Which?", [f"option {number}" for number in range(length)]),
        "fields": lambda: ctx.form("How?", model_of(length)),
        "body": lambda: ctx.approve("Go?", body=text),
        "draft": lambda: ctx.review("Right?", text),
        "evidence": lambda: ctx.approve("Go?", evidence={"text": text}),
        "depth": lambda: ctx.approve("Go?", evidence=nested(length)),
        "problem": lambda: ctx.escalate(text),
        "seed": lambda: ctx.wait_for_human("approval", text),
        "notice": lambda: ctx.notify(text),
        "alert": lambda: ctx.alert(text, level="error"),
        "log": lambda: ctx.log(text),
        "progress": lambda: ctx.progress(text),
        "stage": lambda: ctx.stage(text),
        "signal": lambda: ctx.signal("paid", expires="1h", default=text).wait(),
    }
    return acts[how]()


@procedure
def says_much(ctx: Context, how: str, length: int) -> bool:
    """Fails by what is too much."""
    say_it(ctx, how, length)
    return ctx.approve("And now?").value


@procedure
def says_less_then(ctx: Context, how: str, length: int) -> str:
    """Catches what is too much, and asks for something smaller under the same name."""
    told = ""
    try:
        say_it(ctx, how, length)
    except EngineError as error:
        told = str(error)
    say_it(ctx, how, 1)
    ctx.approve("And now?", name="last")
    return told


def returned(length: int) -> str:
    return "a" * length


def tells(step: Step, length: int) -> int:
    step.say("a" * length)
    return length


@procedure
def returns_much(ctx: Context, text: str, length: int) -> str:
    """Takes and returns what may be large."""
    ctx.state["much"] = "s" * length
    made = ctx.step(returned, length)
    assert made == ctx.state["much"].replace("s", "a")
    ctx.approve("Return it?")
    return text + made


@procedure
def tells_much(ctx: Context, length: int) -> int:
    """A step that says a lot."""
    return ctx.step(tells, length)


@procedure
def takes_file_and_text(ctx: Context, text: str, sheet: File) -> str:
    """A large input beside a file."""
    ctx.approve("Go on?")
    return f"{len(text)} {sheet.text()}"


@procedure
def hands_on(ctx: Context, text: str) -> int:
    """Hands a large input to a child, and takes a large result from it."""
    return len(ctx.call(echoes, text=text))


@procedure
def echoes(ctx: Context, text: str) -> str:
    return text
