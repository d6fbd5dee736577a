"""Questions whose answers are held for a while, alone and beside other things."""

from typing import Any

from procedures.engine import Context, procedure
from tests.procedures.families import doubled


@procedure
def held_question(ctx: Context) -> list[Any]:
    asked = ctx.approve("Pay?", expires="30s", default=False)
    return [asked.value, asked.timed_out, asked.responder]


@procedure
def answer_or_child(ctx: Context) -> list[str]:
    first = ctx.wait_any(ctx.later.ask("Which?"), ctx.spawn(doubled, number=21))
    return [first.key]


@procedure
def answer_or_payment(ctx: Context) -> list[str]:
    return [ctx.wait_any(ctx.later.ask("Which?"), ctx.signal("paid", int)).key]


@procedure
def answers_kept_open(ctx: Context) -> list[Any]:
    asked = [ctx.later.ask("Which?", name=name) for name in ("a", "b")]
    first = ctx.wait_any(*asked, keep_open=True)
    return [first.key, *(one.wait().value for one in asked)]


@procedure
def answer_before_its_set(ctx: Context) -> list[Any]:
    asked = [ctx.later.ask("Which?", name=name) for name in ("a", "b")]
    ctx.approve("Go on?")
    first = ctx.wait_any(*asked)
    return [first.key, *(str(one.wait().outcome) for one in asked)]


@procedure
def three_deadlines(ctx: Context) -> list[Any]:
    asked = [
        ctx.later.ask("Which?", name="a", expires="20s", default="a is late"),
        ctx.later.ask("Which?", name="b", expires="15s", default="b is late"),
        ctx.later.ask("Which?", name="c"),
    ]
    first = ctx.wait_any(*asked)
    return [first.key, first.wait().value]
