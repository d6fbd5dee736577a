"""Branches that change the state side by side."""

from collections.abc import Callable
from typing import Any

from procedures.engine import Context, StateConflictError, procedure
from tests.procedures.traces import saw

Change = Callable[[Any], object]
CHANGES: dict[str, Change] = {
    "nothing": lambda state: None,
    "one": lambda state: state.update(x=1),
    "two": lambda state: state.update(x=2),
    "gone": lambda state: state.pop("x"),
    "put and gone": lambda state: (state.update(x=1), state.pop("x")),
    "more": lambda state: state.increment("x", 2),
    "much more": lambda state: [state.increment("x") for _ in range(5)],
    "less": lambda state: state.increment("x", by=-1.5),
    "one more": lambda state: (state.update(x=1), state.increment("x")),
    "list": lambda state: state.append("names", "a"),
    "long list": lambda state: [state.append("names", ["b", name]) for name in "cd"],
    "other list": lambda state: state.update(names=["a"]),
}


@procedure
def side_by_side(ctx: Context, left: str, right: str, x: int | None = None) -> dict[str, Any]:
    """Both branches wait once; what they did to the state, or why it does not go together."""
    if x is not None:
        ctx.state["x"] = x

    def on_the_left(inner: Context) -> None:
        CHANGES[left](inner.state)
        inner.approve("Left?")

    def on_the_right(inner: Context) -> None:
        inner.approve("Right?")
        CHANGES[right](inner.state)

    try:
        ctx.gather(on_the_left, on_the_right)
    except StateConflictError as error:
        saw.append(str(error))
        ctx.approve("Go on?")
        return {"conflict": error.name, **error.branches, "x": ctx.state.get("x")}
    ctx.approve("Go on?")
    return dict(ctx.state)


@procedure
def counted_in_branches(ctx: Context) -> dict[str, Any]:
    """Branches in branches, each of which counts."""

    def count(inner: Context) -> None:
        inner.state.increment("n")
        inner.state.append("seen", inner.step(str, 1, name="text"))

    def many(inner: Context) -> None:
        inner.gather(count, count)
        inner.state.increment("n", 10)
        inner.sleep("1m")

    ctx.state["n"] = 100
    ctx.gather(many, count, many)
    ctx.state["n"] += 1000
    return dict(ctx.state)


@procedure
def conflict_unhandled(ctx: Context) -> None:
    def put(inner: Context) -> None:
        inner.state["x"] = "fixed" if "mended" in saw else inner.run_id + inner.state["side"]

    def left(inner: Context) -> None:
        inner.state["side"] = "same"
        put(inner)

    def right(inner: Context) -> None:
        inner.later.ask("What else?")
        inner.state["x"] = "fixed"

    ctx.gather(left, right)
