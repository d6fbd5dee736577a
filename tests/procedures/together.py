"""Several waits at once: sets, signals, timers, branches."""

from typing import Annotated, Any

from pydantic import AfterValidator

from procedures.engine import BranchFailedError, Context, procedure
from tests.procedures.families import doubled
from tests.procedures.traces import act, did, let_others_act, saw


@procedure
def three_opinions(ctx: Context, need: int = 3) -> list[Any]:
    handles = [ctx.later.approve("Pay?", name=name) for name in ("ann", "ben", "cem")]
    ctx.step(act, "meanwhile", name="meanwhile")
    if need == 3:
        return [bool(one) for one in ctx.wait_all(*handles)]
    return [handle.key for handle in ctx.wait_n(need, *handles)]


@procedure
def nothing_to_wait_for(ctx: Context) -> list[Any]:
    return [ctx.wait_all(), ctx.gather()]


@procedure
def answer_or_time(ctx: Context) -> str:
    asked, timer = ctx.later.ask("Which?"), ctx.timer("2h")
    first = ctx.wait_any(asked, timer)
    saw.append(asked.wait().outcome if first is timer else None)
    return first.key


@procedure
def three_timers(ctx: Context) -> None:
    ctx.wait_all(*(ctx.timer("2h") for _ in range(3)))


@procedure
def answered_before_it_is_waited_for(ctx: Context) -> list[str]:
    first, second, third = (ctx.later.ask("Which?", name=name) for name in ("a", "b", "c"))
    ctx.approve("Go on?")
    won = ctx.wait_any(first, second)
    return [won.key, second.wait().outcome, ctx.wait_any(third, first).key]


@procedure
def chosen_with_care(ctx: Context, need: int = 1) -> list[Any]:
    """Its first question differs with what the tests saw."""
    prompt = "Which, now?" if "changed" in saw else "Which?"
    asked = [ctx.later.ask(prompt, name="a"), ctx.later.ask("Which?", name="b")]
    ctx.later.ask("What else?", name="beside")
    return [[handle.key, handle.wait().value] for handle in ctx.wait_n(need, *asked)]


@procedure
def chosen_anew(ctx: Context, number: int = 1) -> str:
    won = ctx.wait_any(*(ctx.later.ask("Which?", name=name) for name in ("a", "b")))
    if number < 2:
        ctx.continue_as_new(number=number + 1)
    return won.key


@procedure
def two_payments(ctx: Context, expires: str = "") -> list[Any]:
    ctx.approve("Begin?")
    waiting: Any = {"expires": expires, "default": 7} if expires else {}
    first = ctx.signal("paid", int, **waiting).wait()
    second = ctx.signal("paid", int, **waiting).wait()
    saw.append((first.sender, first.timed_out, second.timed_out))
    return [first.value, second.value]


@procedure
def payment_or_time(ctx: Context) -> list[str]:
    paid, timer = ctx.signal("paid", int), ctx.timer("2h")
    first = ctx.wait_any(paid, timer)
    return [first.key, *([] if first is timer else [str(paid.wait().value)])]


@procedure
def paid_amount(ctx: Context, default: Any = 7) -> int:
    return ctx.signal("paid", int, expires="1h", default=default).wait().value


def even(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


Even = Annotated[int, AfterValidator(even)]
"""The part that only code can tell."""


@procedure
def even_payment(ctx: Context) -> int:
    return ctx.signal("paid", Even, expires="1h", default=0).wait().value


@procedure
def even_payment_or_answer(ctx: Context, need: int) -> list[Any]:
    paid, asked, timer = ctx.signal("paid", Even), ctx.later.ask("Or?"), ctx.timer("2h")
    won = [ctx.wait_any(paid, asked, timer)] if need == 1 else ctx.wait_n(need, paid, asked, timer)
    ctx.step(act, "won", name="won")
    return [*(one.key for one in won), paid.wait().value]


@procedure
def number_and_text(ctx: Context) -> list[Any]:
    handles: list[Any] = [ctx.signal("said", int), ctx.signal("said", str)]
    return [one.value for one in ctx.wait_all(*handles)]


@procedure
def strict_signal(ctx: Context) -> None:
    ctx.signal("paid", expires="1h", on_timeout="fail").wait()


def ask_ann(ctx: Context) -> str:
    ctx.state["count"] = ctx.state.get("count", 0) + 1
    ctx.step(act, "ann", name="work")
    return f"ann {bool(ctx.approve('Ann?'))}"


def ask_ben(ctx: Context) -> str:
    ctx.state["ben"] = True
    ctx.step(act, "ben", name="work")
    answer = ctx.approve("Ben?")
    ctx.step(act, "ben again", name="work")
    return f"ben {bool(answer)}"


def fail_later(ctx: Context) -> str:
    ctx.approve("Fail?")
    raise ValueError("It broke.")


@procedure
def two_branches(ctx: Context) -> list[Any]:
    ctx.state["count"] = 1
    ends = ctx.gather(ask_ann, ask_ben)
    ctx.step(act, "joined", name="joined")
    saw.append(dict(ctx.state))
    return ends


@procedure
def one_branch_fails(ctx: Context, collect: bool = False) -> list[str]:  # noqa: FBT001, FBT002
    if collect:
        return [str(end) for end in ctx.gather(ask_ann, fail_later, on_failure="collect")]
    try:
        return ctx.gather(ask_ann, fail_later)
    except BranchFailedError as error:
        ctx.step(act, "caught", name="caught")
        return [error.branch, error.type, error.message]


def use_the_outer(outer: Context) -> Any:
    def branch(ctx: Context) -> str:
        return outer.step(act, "wrong", name="wrong")

    return branch


@procedure
def branch_uses_the_outer_context(ctx: Context) -> list[Any]:
    return ctx.gather(use_the_outer(ctx))


@procedure
def branch_swallows(ctx: Context) -> list[Any]:
    def swallow(inner: Context) -> str:
        try:
            inner.approve("Really?")
        except BaseException:  # noqa: BLE001 (authors do that)
            did.append("swallowed")
        return "done"

    return ctx.gather(swallow, ask_ann)


@procedure
def deep_branches(ctx: Context, depth: int) -> list[Any]:
    """Branches within branches, with names as long as they may be."""

    def a_branch_with_a_name_that_tells_all_that_is_to_be_told_of_it(inner: Context) -> Any:
        return deep_branches(inner, depth - 1) if depth else inner.step(act, "deep", name="x" * 80)

    return ctx.gather(a_branch_with_a_name_that_tells_all_that_is_to_be_told_of_it)


@procedure
def early_failure(ctx: Context) -> str:
    """The branch that fails stands before one that has done something."""
    try:
        return str(ctx.gather(fail_later, ask_ann))
    except BranchFailedError as error:
        return error.message


def book(ctx: Context) -> None:
    ctx.step(act, "book", name="book")
    ctx.compensate(act, "unbook", name="unbook")
    ctx.approve("Keep it?")


def break_after_others(ctx: Context) -> None:
    ctx.step(let_others_act)
    raise ValueError("It broke.")


@procedure
def only_broken(ctx: Context) -> None:
    ctx.gather(break_after_others)


@procedure
def broken_then_asking(ctx: Context) -> None:
    """Its question differs with what the tests saw; a gather fails after it."""
    asked = ctx.later.ask("Which, now?" if "changed" in saw else "Which?", name="beside")
    try:
        ctx.gather(break_after_others)
    except BranchFailedError:
        asked.wait()


@procedure
def booked_then_broken(ctx: Context) -> None:
    ctx.gather(book, break_after_others)


@procedure
def booking_branch(ctx: Context) -> None:
    ctx.gather(ask_ann, book)


@procedure
def booking_then_any(ctx: Context) -> None:
    ctx.compensate(act, "unbook", name="unbook")
    ctx.wait_any(ctx.later.ask("Which?"), ctx.timer("2h"))


@procedure
def early_signal(ctx: Context, number: int = 1) -> int:
    ctx.approve("Begin?")
    ctx.signal("stop")
    if number == 1:
        ctx.continue_as_new(number=2)
    return number


@procedure
def shared_handle(ctx: Context) -> None:
    asked = ctx.later.ask("Which?")
    ctx.gather(lambda_free(asked))


def lambda_free(asked: Any) -> Any:
    def branch(ctx: Context) -> str:
        return ctx.wait_any(asked, ctx.timer("1h")).key

    return branch


@procedure
def later_then_broken(ctx: Context) -> str:
    asked = ctx.later.ask("Which?")
    ctx.step(break_unless_mended, name="break")
    return asked.wait().value


def break_unless_mended() -> str:
    if "mended" not in saw:
        raise OSError("broken")
    return "fine"


@procedure
def first_come(ctx: Context) -> str:
    """Whatever comes first makes the question that is called left unneeded."""
    ways: list[Any] = [
        ctx.later.approve("Pay?", yes="Pay 31 €", name="may"),
        ctx.later.choose("How?", {"sea": "By ship", "air": "By air"}, many=True, name="how"),
        ctx.later.ask("Why?", name="why"),
        ctx.later.review("Fine?", "Dear bob", name="draft"),
        ctx.later.ask("Soon?", name="soon", expires="1h", default="no"),
        ctx.signal("paid", int),
        ctx.timer("2h"),
        ctx.spawn(doubled, number=2),
        ctx.later.ask("Which?", name="left"),
    ]
    won = ctx.wait_any(*ways)
    saw.append(ways[-1].wait().comment)
    return won.key
