"""Child runs."""

from collections.abc import Callable
from typing import Any

from procedures.engine import ChildFailedError, Context, File, Limits, procedure
from procedures.engine.waits.children import OnParentEnd
from tests.procedures.steps import fail_at_first
from tests.procedures.traces import act, saw


@procedure
def doubled(ctx: Context, number: int, asks: bool = False) -> int:  # noqa: FBT001, FBT002
    ctx.step(act, f"double {number}", name="double")
    if asks and not ctx.approve(f"Double {number}?"):
        raise ValueError(f"{number} was refused.")
    return number * 2


@procedure
def calling(ctx: Context, number: int, asks: bool = False) -> Any:  # noqa: FBT001, FBT002
    try:
        return ctx.call(doubled, number=number, asks=asks)
    except ChildFailedError as error:
        saw.append((error.outcome, error.message))
        return ctx.step(act, "without it", name="without")


@procedure
def children_left_behind(ctx: Context, number: int = 1) -> int:
    child = ctx.spawn(doubled, number=number, asks=True)
    ctx.approve("Go on?")
    if number < 2:
        ctx.continue_as_new(number=number + 1)
    result: int = child.wait()
    return result


@procedure
def failing_beside_a_child(ctx: Context, fate: OnParentEnd = "abandon") -> int:
    child = ctx.spawn(doubled, number=4, asks=True, on_parent_end=fate)
    ctx.step(fail_at_first, 1, name="pay")
    result: int = child.wait()
    return result


@procedure
def failing_with_its_child(ctx: Context) -> int:
    result: int = ctx.call(failing_beside_a_child)
    return result


@procedure
def above_failures(ctx: Context) -> None:
    """Waits for people above a run that fails with its child."""
    ctx.spawn(failing_with_its_child)
    ctx.approve("Go on?")


@procedure
def waiting_beside_a_child(ctx: Context, fate: OnParentEnd) -> None:
    ctx.spawn(doubled, number=4, asks=True, on_parent_end=fate)
    ctx.approve("Go on?")


@procedure
def anew_beside_a_child(ctx: Context, fate: OnParentEnd, again: bool = True) -> None:  # noqa: FBT001, FBT002
    if again:
        ctx.spawn(doubled, number=4, asks=True, on_parent_end=fate)
        ctx.continue_as_new(fate=fate, again=False)
    ctx.approve("Go on?")


@procedure
def fated(ctx: Context, on_parent_end: str) -> None:
    """Has an input with the name of an option."""


@procedure
def spawning_with(ctx: Context, fate: Any, fated_child: bool) -> None:  # noqa: FBT001
    ctx.spawn(fated if fated_child else doubled, on_parent_end=fate)


@procedure(limits=Limits(max_duration="1h"))
def mapping_in_an_hour(ctx: Context) -> Any:
    return ctx.map(doubled, [{"number": 1}, {"number": 2, "asks": True}, {"number": 3}], at_most=2)


@procedure
def mapping_in_more(ctx: Context) -> Any:
    return ctx.map(doubled, [{"number": 1}, {"number": 2, "asks": True}, {"number": 3}], at_most=2)


@procedure
def leaving_a_child(ctx: Context, fate: OnParentEnd = "abandon") -> None:
    ctx.spawn(doubled, number=4, asks=True, on_parent_end=fate)


@procedure
def above_one_that_has_left(ctx: Context) -> None:
    ctx.call(leaving_a_child)
    ctx.approve("Go on?")


@procedure
def spawning(ctx: Context) -> list[int]:
    handles = [ctx.spawn(doubled, number=number) for number in (1, 2)]
    ctx.step(act, "meanwhile", name="meanwhile")
    return ctx.wait_all(*handles)


@procedure
def mapping(ctx: Context, numbers: list[int], at_most: int = 2, collect: bool = False) -> Any:  # noqa: FBT001, FBT002
    inputs = [{"number": number, "asks": number < 0} for number in numbers]
    rule: Any = "collect" if collect else "fail_fast"
    results = ctx.map(doubled, inputs, at_most=at_most, on_failure=rule)
    return [one if isinstance(one, int) else str(one) for one in results]


@procedure
def endless(ctx: Context, depth: int = 1) -> int:
    saw.append(depth)
    result: int = ctx.call(endless, depth=depth + 1)
    return result


@procedure
def child_with_wrong_inputs(ctx: Context) -> int:
    result: int = ctx.call(doubled, number="many")
    return result


@procedure
def outliving(ctx: Context, number: int) -> None:
    """Waits for people, whatever becomes of its child."""
    ctx.spawn(doubled, number=number, asks=True)
    ctx.approve("Go on?")


def write_list() -> File:
    return File.keep("list.txt", "milk")


@procedure
def reading(ctx: Context, shopping: File) -> str:
    return ctx.step(shopping.text, name="read")


@procedure
def handing_on(ctx: Context) -> list[str]:
    shopping = ctx.step(write_list)
    ctx.step(lambda: File.keep("secret.txt", "nobody else's"), name="secret")
    read: list[str] = ctx.map(reading, [{"shopping": shopping}])
    return [*read, ctx.call(reading, shopping=shopping)]


@procedure
def mislabelled(ctx: Context, number: int = 1) -> int:
    """Returns something else than it declares, after a step and with something to undo."""
    ctx.compensate(act, f"undo {number}", name="undo")
    ctx.step(act, f"count {number}", name="count")
    counted: Any = f"about {number}"
    return counted  # type: ignore[no-any-return]


@procedure
def above_a_mislabelled_child(ctx: Context, way: str) -> Any:
    """Calls a child whose result doesn't fit, in one of the ways to have children."""
    calls: dict[str, Callable[[], Any]] = {
        "call": lambda: ctx.call(mislabelled),
        "name": lambda: ctx.call("mislabelled"),
        "spawn": lambda: ctx.spawn(mislabelled).wait(),
        "map": lambda: ctx.map(mislabelled, [{"number": 1}], at_most=1),
    }
    try:
        return calls[way]()
    except ChildFailedError as error:
        saw.append((error.outcome, error.message))
        return "without it"
