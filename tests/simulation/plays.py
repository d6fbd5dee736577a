"""The simulated runs, and their expected results in plain Python."""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from procedures.engine import (
    BranchFailedError,
    ChildFailedError,
    Context,
    File,
    Handle,
    Procedure,
    Response,
    Retry,
    Step,
    procedure,
)
from procedures.engine.errors import QuestionError
from tests.simulation import talks
from tests.simulation.ledger import ledger
from tests.simulation.witness import Kept

AGAIN = Retry(3, backoff="2s")
APPROVED = "approved"
NOTED = "enter"
"""The name of the steps that write a row with their result."""
UNASKED = "unasked"
"""The name of a question that is asked wrongly."""


def quote(item: str) -> int:
    return ledger().quote(item)


def act(what: str, amount: int, step: Step) -> str:
    return ledger().perform(step, what, amount)


def talk(what: str, amount: int, step: Step) -> str:
    step.progress(f"I {what}")
    return act(what, amount, step)


async def fetch(what: str, amount: int, step: Step) -> list[str]:
    """More than an event holds."""
    receipt = act(what, amount, step)
    return [f"{number}: {receipt}, and all that belongs to it" for number in range(amount)]


def bind(pages: list[str], step: Step) -> File:
    act("bind", len(pages), step)
    return File.keep("book.txt", "\n".join(pages))


def enter(amount: int, step: Step) -> int:
    """A row that is kept with its step, and an effect that may happen again."""
    step.progress("I enter it")
    ledger().write(step)
    act(NOTED, amount, step)
    return amount


def hear(ctx: Context, handle: Handle[Response[bool]], prompt: str) -> bool:
    said = handle.wait()
    ledger().heard(ctx.run_id, handle.key, prompt)
    return bool(said)


@procedure
def purchase(ctx: Context, item: str) -> str:
    price = ctx.step(quote, item, pure=True)
    ctx.state["price"] = price
    ctx.compensate(act, "pay back", price, name="pay back", retry=AGAIN)
    ctx.compensate(act, "apologise", price, name="apologise", retry=AGAIN)
    paid = ctx.step(act, "pay", price, name="pay", retry=AGAIN)
    prompt = f"Send {item}?"
    if not hear(ctx, ctx.later.approve(prompt, name="may", expires="30s", default=False), prompt):
        raise ValueError("It is not wanted.")
    sent = ctx.step(act, "send", price, name="send", once=True, timeout="10s")
    ctx.notify("Sent.")
    return f"{paid}, {sent}"


def bought(kept: Kept) -> str:
    if kept.closed["may"]["outcome"] != APPROVED:
        raise LookupError
    return f"{kept.results['pay']}, {settled(kept, 'send')}"


def settled(kept: Kept, key: str) -> Any:
    """The outcome of a step that happens once: its result, or the one that people named."""
    if key in kept.results:
        return kept.results[key]
    told = [one["value"] for name, one in kept.closed.items() if name.startswith(f"{key}/result")]
    return json.loads(told[-1])


@procedure
def delivery(ctx: Context) -> list[str]:
    first = ctx.step(act, "pack", 1, name="pack", once=True, timeout="3s")
    return [first, ctx.step(act, "ship", 2, name="ship", once=True, retry=AGAIN)]


def delivered(kept: Kept) -> list[str]:
    return [settled(kept, "pack"), settled(kept, "ship")]


@procedure
def opinions(ctx: Context) -> list[str]:
    asked = [ctx.later.approve("Good?", name=name) for name in ("ann", "ben", "cem")]
    with suppress(QuestionError):
        ctx.later.ask("And if nobody says?", name=UNASKED, expires="5s")
    ctx.step(act, "meanwhile", 1, name="meanwhile", retry=AGAIN)
    won = ctx.wait_n(2, *asked)
    which = ctx.later.ask("Which?", name="which")
    first: Handle[Any] = ctx.wait_any(which, ctx.timer("20s"), ctx.signal("go", int))
    ctx.step(act, "after", 2, name="after", retry=AGAIN)
    ctx.log("Decided.")
    return [one.key for one in (*won, first)]


def decided(kept: Kept) -> list[str]:
    assert {"meanwhile", "after"} <= set(kept.results)
    return [*kept.closed["wait_n"]["value"], *kept.closed["wait_any"]["value"]]


@procedure
def generations(ctx: Context, number: int = 1, total: int = 0) -> int:
    pair = [ctx.later.approve(f"Turn {number}?", name=name) for name in ("left", "right")]
    ctx.wait_any(*pair)
    ctx.later.ask("Anything else?", name="else")
    ctx.step(act, "work", number, name="work", retry=AGAIN)
    total += ctx.signal("more", int, expires="15s", default=0).wait().value
    if number < 3:
        ctx.continue_as_new(number=number + 1, total=total)
    return total


def summed(kept: Kept) -> int:
    assert kept.results["work"]
    return sum(content["value"] for key, content in kept.ever_closed if key == "more")


@procedure
def member(ctx: Context, who: str) -> str:
    ctx.step(talk, who, 1, name="work", retry=AGAIN)
    prompt = f"Does {who} join?"
    if not hear(ctx, ctx.later.approve(prompt, expires="25s", default=False), prompt):
        raise ValueError("No.")
    return who


def joined(kept: Kept) -> str:
    if kept.closed["approve"]["outcome"] != APPROVED or "work" not in kept.results:
        raise LookupError
    return str(kept.inputs["who"])


def upstairs(ctx: Context) -> bool:
    ctx.state.increment("moves")
    said = hear(ctx, ctx.later.approve("Up?", name="may"), "Up?")
    ctx.step(act, "up", 1, name="go")
    return said


def downstairs(ctx: Context) -> str:
    ctx.state.increment("moves")
    ctx.sleep("5s")
    return ctx.step(act, "down", 1, name="go", retry=AGAIN)


@procedure
def family(ctx: Context) -> list[Any]:
    guest = ctx.spawn(member, who="guest")
    inputs = [{"who": f"child {number}"} for number in range(3)]
    ends = ctx.map(member, inputs, at_most=2, on_failure="collect")
    both = ctx.gather(upstairs, downstairs, on_failure="collect")
    try:
        came = guest.wait()
    except ChildFailedError:
        came = None
    present = [None if isinstance(end, ChildFailedError) else end for end in ends]
    return [came, present, [None if isinstance(end, BranchFailedError) else end for end in both]]


def gathered(kept: Kept) -> list[Any]:
    guest, ends = kept.closed["member"], kept.closed["member#2"]["value"]
    is_up = kept.closed["gather/upstairs/may"]["outcome"] == APPROVED
    went_up = is_up if "gather/upstairs/go" in kept.results else None
    both = [went_up, kept.results.get("gather/downstairs/go")]
    return [guest["value"], [value for _, value, _ in ends], both]


def chair(ctx: Context) -> bool:
    said = hear(ctx, ctx.later.approve("Agreed?", name="may"), "Agreed?")
    ctx.step(talk, "sign", 1, name="go", retry=AGAIN)
    return said


def critic(ctx: Context) -> None:
    prompt = "Any objection?"
    if not hear(ctx, ctx.later.approve(prompt, name="may", expires="9s", default=False), prompt):
        raise ValueError("There is one.")


@procedure
def committee(ctx: Context) -> list[Any]:
    try:
        ctx.gather(chair, critic)
        is_held = True
    except BranchFailedError:
        is_held = False
    try:
        inputs = [{"who": f"helper {number}"} for number in range(2)]
        return [is_held, ctx.map(member, inputs, at_most=1)]
    except ChildFailedError:
        return [is_held, None]


def agreed(kept: Kept) -> list[Any]:
    ends = kept.closed["member"]["value"]
    is_whole = all(outcome == "succeeded" for outcome, _, _ in ends)
    assert "gather" in kept.failed or "gather/chair/go" in kept.results
    return ["gather" not in kept.failed, [value for _, value, _ in ends] if is_whole else None]


@procedure
def listener(ctx: Context) -> int:
    first = ctx.signal("paid", int, expires="20s", default=0).wait()
    ctx.sleep("3s")
    second = ctx.signal("paid", int, expires="20s", default=0).wait()
    ctx.step(act, "book", first.value + second.value, name="book", retry=AGAIN)
    return first.value + second.value


def heard_of(kept: Kept) -> int:
    assert kept.results["book"]
    return int(kept.closed["paid"]["value"]) + int(kept.closed["paid#2"]["value"])


def even(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


EVEN: Any = Annotated[int, AfterValidator(even)]
THIRD: Any = Annotated[int, Field(multiple_of=3)]


@procedure
def picky(ctx: Context) -> list[int]:
    """Most of its signals don't fit: by their shape, or by a rule that only the code knows."""
    first: Handle[Any] = ctx.signal("even", EVEN, expires="40s", default=0)
    ctx.wait_any(first, ctx.later.ask("Which?", name="which"))
    ctx.step(act, "look", 1, name="look", retry=AGAIN)
    second = ctx.signal("even", THIRD, expires="20s", default=0)
    return [first.wait().value or 0, second.wait().value]


def picked(kept: Kept) -> list[int]:
    values = [kept.closed[key]["value"] or 0 for key in ("even", "even#2")]
    assert values[0] % 2 == values[1] % 3 == 0
    return values


@procedure
def archive(ctx: Context) -> list[Any]:
    amount = ctx.random.randint(2, 5)
    pages = ctx.step(fetch, "fetch", amount, timeout="3s", retry=AGAIN)
    ctx.compensate(act, "return", amount, name="return", timeout="3s", retry=AGAIN)
    book = ctx.step(bind, pages, timeout="3s", retry=AGAIN)
    entered = ctx.step(enter, amount, timeout="3s", retry=AGAIN, transaction=True)
    first, second = ctx.wait_all(
        ctx.later.ask("Which shelf?", name="shelf", expires="30s", on_timeout="withdraw"),
        ctx.later.approve("Lend it?", name="lend"),
    )
    return [book, entered, first.value, bool(second)]


def archived(kept: Kept) -> list[Any]:
    text = "\n".join(kept.results["fetch"]).encode()
    assert kept.results["bind"]["digest"] == hashlib.sha256(text).hexdigest()
    lent = kept.closed["lend"]["outcome"] == APPROVED
    return [kept.results["bind"], kept.results["enter"], kept.closed["shelf"]["value"], lent]


@procedure
def household(ctx: Context, name: str) -> str:
    for deed in ("part", "mourn"):
        ctx.compensate(act, f"{deed} {name}", 1, name=deed, retry=AGAIN)
    return f"{ctx.call(member, who=f'heir of {name}')} and {name}"


def inherited(kept: Kept) -> str:
    end = kept.closed["member"]
    if end["outcome"] != "succeeded":
        raise LookupError
    return f"{end['value']} and {kept.inputs['name']}"


@procedure
def clan(ctx: Context) -> list[str]:
    """Children that have children: the first that fails ends them all."""
    ctx.spawn(member, who="nobody's")
    ends: list[str] = ctx.map(household, [{"name": "Ann"}, {"name": "Ben"}], at_most=2)
    return ends


def related(kept: Kept) -> list[str]:
    ends = kept.closed["household"]["value"]
    if any(outcome != "succeeded" for outcome, _, _ in ends):
        raise LookupError
    return [value for _, value, _ in ends]


def changing_amount(ctx: Context, amount: int) -> str:
    prompt = f"Pay {amount}?"
    if not hear(ctx, ctx.later.approve(prompt), prompt):
        return "nothing"
    return ctx.step(act, "pay", amount, name="pay", retry=AGAIN)


def asks_for_ten(ctx: Context) -> str:
    return changing_amount(ctx, 10)


def asks_for_more(ctx: Context) -> str:
    return changing_amount(ctx, 990)


old = procedure(name="changing")(asks_for_ten)
new = procedure(name="changing")(asks_for_more)


def paid_or_not(kept: Kept) -> str:
    is_paid = kept.closed["approve"]["outcome"] == APPROVED
    return kept.results["pay"] if is_paid else "nothing"


@dataclass(frozen=True)
class Play:
    """A procedure to be simulated."""

    code: tuple[Procedure, ...]
    """Its versions: a worker has any of them."""
    model: Callable[[Kept], Any]
    """The result by what is kept; raises LookupError or the like where the run must fail."""
    inputs: Mapping[str, Any]
    signals: tuple[str, ...] = ()
    """The names of those that people send it."""
    is_written_to: bool = False
    """True if people write to it."""


PLAYS = {
    "purchase": Play((purchase,), bought, {"item": "tea"}),
    "delivery": Play((delivery,), delivered, {}),
    "opinions": Play((opinions,), decided, {}, ("go",)),
    "generations": Play((generations,), summed, {}, ("more",)),
    "member": Play((member,), joined, {"who": "dave"}),
    "family": Play((family,), gathered, {}),
    "committee": Play((committee,), agreed, {}),
    "listener": Play((listener,), heard_of, {}, ("paid",)),
    "picky": Play((picky,), picked, {}, ("even",)),
    "archive": Play((archive,), archived, {}),
    "household": Play((household,), inherited, {"name": "Eve"}),
    "clan": Play((clan,), related, {}),
    "talker": Play((talks.talker,), talks.told, {}, is_written_to=True),
    "watcher": Play((talks.watcher,), talks.steered, {}, is_written_to=True),
    "changing": Play((old, new), paid_or_not, {}),
}
