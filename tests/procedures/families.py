"""Child runs."""

from typing import Any

from procedures.engine import ChildFailedError, Context, File, procedure
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
def failing_beside_a_child(ctx: Context) -> int:
    child = ctx.spawn(doubled, number=4, asks=True)
    ctx.step(fail_at_first, 1, name="pay")
    result: int = child.wait()
    return result


@procedure
def failing_with_its_child(ctx: Context) -> int:
    result: int = ctx.call(failing_beside_a_child)
    return result


@procedure
def above_failures(ctx: Context, levels: int) -> None:
    """Waits for people above a run that has failed, or two, and a child that goes on."""
    ctx.spawn(failing_beside_a_child if levels == 1 else failing_with_its_child)
    ctx.approve("Go on?")


@procedure
def leaving_a_child(ctx: Context) -> None:
    ctx.spawn(doubled, number=4, asks=True)


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
