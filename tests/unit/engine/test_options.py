"""Options are checked where they are written: misspelt names, words that are none, odd values."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from procedures.engine import Context, EngineError, Procedure, procedure
from procedures.engine.errors import OptionError, QuestionError
from procedures.engine.journal.events import RunStatus
from procedures.testing.memory import MemoryStore
from tests.unit.engine.running import message, run_through


class Size(BaseModel):
    grams: int


ASKING = {
    "name": "asked",
    "body": "text",
    "evidence": {"at": 1},
    "assign": "finance",
    "expires": "2h",
    "default": None,
    "volatile": "at",
    "metadata": {},
    "due": "1h",
    "remind": "30 min",
    "escalate": [("1h", "managers")],
    "four_eyes": True,
    "undo": "10s",
    "risk": "high",
}
Call = tuple[Callable[..., Any], dict[str, Any]]


def calls(ctx: Context) -> dict[str, Call]:
    """Each verb that takes options, with one right way to give them all."""
    later = ctx.later
    asks: dict[str, Call] = {}
    for where, verbs in (("ctx", ctx), ("ctx.later", later)):
        approve = {"prompt": "Go?", "yes": "Yes", "no": "No", **ASKING}
        asks |= {
            f"{where}.approve": (verbs.approve, approve),
            f"{where}.ask": (verbs.ask, {"prompt": "What?", "hint": int, **ASKING}),
            f"{where}.choose": (
                verbs.choose,
                {"prompt": "Which?", "options": ["a"], "many": True, **ASKING},
            ),
            f"{where}.review": (verbs.review, {"prompt": "Fine?", "draft": "a", **ASKING}),
            f"{where}.form": (verbs.form, {"prompt": "How?", "model": Size, **ASKING}),
            f"{where}.escalate": (verbs.escalate, {"prompt": "Help?", **ASKING}),
        }
    return asks | {
        "ctx.notify": (ctx.notify, {"text": "a"}),
        "ctx.alert": (ctx.alert, {"text": "a", "level": "error"}),
        "ctx.log": (ctx.log, {"text": "a", "level": "debug"}),
        "ctx.progress": (ctx.progress, {"text": "a", "done": 1, "total": 2}),
        "ctx.stage": (ctx.stage, {"name": "a"}),
        "ctx.sleep": (ctx.sleep, {"length": "1s"}),
        "ctx.timer": (ctx.timer, {"length": "1s"}),
    }


def misspelt(name: str, draw: random.Random) -> str:
    """A letter doubled, left out, changed, or two of them swapped."""
    place = draw.randrange(len(name))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz_")
    swapped = [*name]
    other = (place + 1) % len(name)
    swapped[place], swapped[other] = swapped[other], swapped[place]
    return draw.choice(
        [
            name[:place] + name[place] + name[place:],
            name[:place] + name[place + 1 :],
            name[:place] + letter + name[place + 1 :],
            "".join(swapped),
        ]
    )


def mistakes(ctx: Context, count: int) -> Iterator[tuple[str, str, str]]:
    """A verb, one of its options, and that option misspelt."""
    draw, known = random.Random(2026), calls(ctx)  # noqa: S311 (a test draws)
    while count:
        verb = draw.choice(list(known))
        option = draw.choice(list(known[verb][1]))
        wrong = misspelt(option, draw)
        if wrong not in known[verb][1] and wrong.isidentifier() and wrong != "on_timeout":
            yield verb, option, wrong
            count -= 1


def tried(body: Callable[[Context], None]) -> None:
    """Run the body as a procedure, and pass on what a test in it finds."""

    @procedure
    def trying(ctx: Context) -> None:
        body(ctx)

    run = run_through(MemoryStore(), trying)
    assert run.status == RunStatus.SUCCEEDED, message(run)


def test_a_misspelt_option_is_refused_with_the_nearest_right_one() -> None:
    def body(ctx: Context) -> None:
        for verb, option, wrong in mistakes(ctx, 300):
            call, right = calls(ctx)[verb]
            given = {wrong if name == option else name: one for name, one in right.items()}
            with pytest.raises(EngineError) as refused:
                call(**given)
            words = str(refused.value)
            assert words.startswith(f"{verb} has no option {wrong!r}. Did you mean '"), words
            near = words.partition("Did you mean '")[2].partition("'")[0]
            assert near == option or len(option) <= 3 or near in right, (option, words)
        assert not ctx.state

    tried(body)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("expire", "expires"),
        ("exprires", "expires"),
        ("evidenec", "evidence"),
        ("asign", "assign"),
        ("defalt", "default"),
        ("bdoy", "body"),
        ("yess", "yes"),
    ],
)
def test_the_nearest_is_the_one_that_was_meant(wrong: str, near: str) -> None:
    def body(ctx: Context) -> None:
        verbs: Any = ctx
        with pytest.raises(OptionError, match=f"'{wrong}'. Did you mean '{near}'"):
            verbs.approve("Go?", **{wrong: 1})

    tried(body)


UNDRAWABLE: dict[str, Callable[[Any], object]] = {
    "prompt": lambda ctx: ctx.approve(5),
    "no prompt": lambda ctx: ctx.approve(None),
    "body": lambda ctx: ctx.approve("Go?", body=5),
    "no body": lambda ctx: ctx.approve("Go?", body=None),
    "body of bytes": lambda ctx: ctx.ask("Go?", body=b"a"),
    "draft": lambda ctx: ctx.review("Fine?", 5),
    "no draft": lambda ctx: ctx.review("Fine?", None),
    "yes": lambda ctx: ctx.approve("Go?", yes=5),
    "no": lambda ctx: ctx.approve("Go?", no=["No"]),
    "assign": lambda ctx: ctx.approve("Go?", assign=5),
    "assigned": lambda ctx: ctx.approve("Go?", assign=[5]),
    "assigned nobody": lambda ctx: ctx.approve("Go?", assign=["", "a"]),
    "a label": lambda ctx: ctx.choose("Which?", {"a": 5}),
    "an option": lambda ctx: ctx.choose("Which?", [5]),
    "options of a text": lambda ctx: ctx.choose("Which?", "abc"),
    "metadata": lambda ctx: ctx.approve("Go?", metadata=[1]),
    "volatile": lambda ctx: ctx.approve("Go?", volatile=5),
    "expires": lambda ctx: ctx.approve("Go?", expires=[1], default=None),
    "timeout": lambda ctx: ctx.approve("Go?", expires="1h", on_timeout="collect"),
    "notice": lambda ctx: ctx.notify(5),
    "alert": lambda ctx: ctx.alert(None),
    "alert's level": lambda ctx: ctx.alert("a", "loud"),
    "log": lambda ctx: ctx.log({"a": 1}),
    "log's level": lambda ctx: ctx.log("a", level="bogus"),
    "stage": lambda ctx: ctx.stage(5),
    "progress": lambda ctx: ctx.progress(5),
    "done": lambda ctx: ctx.progress(done="abc"),
    "done as bool": lambda ctx: ctx.progress(done=True),
    "done below zero": lambda ctx: ctx.progress(done=-1),
    "done without end": lambda ctx: ctx.progress(done=float("nan")),
    "done too large": lambda ctx: ctx.progress(done=10**400),
    "total": lambda ctx: ctx.progress(done=1, total=[2]),
    "total alone": lambda ctx: ctx.progress("a", total=2),
}


@pytest.mark.parametrize("call", UNDRAWABLE.values(), ids=UNDRAWABLE)
def test_what_no_page_can_draw_is_refused_at_the_call(call: Callable[[Any], object]) -> None:
    def body(ctx: Context) -> None:
        with pytest.raises((OptionError, QuestionError)) as refused:
            call(ctx)
        assert "object has no attribute" not in str(refused.value)

    tried(body)


def fails_at_once(definition: Procedure) -> str:
    run = run_through(MemoryStore(), definition)
    assert run.status == RunStatus.FAILED
    assert not run.waits
    return message(run)


def test_a_refused_call_opens_nothing_and_fails_the_run() -> None:
    @procedure
    def wrong(ctx: Context) -> None:
        verbs: Any = ctx
        verbs.approve("Go?", body=5)

    assert fails_at_once(wrong) == "body= must be a string, not 5."


def test_a_length_may_be_a_timedelta() -> None:
    def body(ctx: Context) -> None:
        assert ctx.approve("Go?", expires=timedelta(hours=1), default=False)

    tried(body)
