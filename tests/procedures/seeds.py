"""The difficulties of the seeds, written as their own users would write them."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from json import JSONDecodeError
from typing import Any

from django.contrib.auth.models import Group

from procedures.engine import Context, Step, procedure
from tests.procedures.families import doubled
from tests.procedures.traces import act, did, let_others_act, saw

# As a program of Plexus or Tactus does it


@procedure
def deletions(ctx: Context) -> list[str]:
    """Asks before each deletion."""
    return [
        ctx.step_run("delete", partial(act, place))
        for place in ("the test data", "PRODUCTION")
        if ctx.wait_for_human("approval", f"Delete {place}?").value
    ]


@procedure
def agent_sleeps(ctx: Context) -> str:
    ctx.sleep(60)
    return str(ctx.step_run("wake", partial(act, "awake")))


@procedure
def agent_waits(ctx: Context) -> list[Any]:
    said = ctx.wait_for_human("approval", "Go?", timeout_seconds=60, default_value=True)
    return [said.value, said.timed_out, said.responder]


@procedure
def agent_asks(ctx: Context) -> str:
    return str(ctx.wait_for_human("input", "What shall it be called?").value)


@procedure
def one_name_twice(ctx: Context) -> list[str]:
    return [ctx.step_run("send", partial(act, what)) for what in ("to alice", "to bob")]


@procedure
def agent_offers(ctx: Context, options: list[dict[str, str]]) -> bool:
    return bool(ctx.wait_for_human("approval", "Delete it?", options=options).value)


@procedure
def agent_escalates(ctx: Context, options: list[dict[str, str]] = []) -> list[Any]:  # noqa: B006
    said = ctx.wait_for_human("escalation", "Help!", timeout_seconds=60, options=options)
    return [said.value, said.timed_out]


@procedure
def agent_defaults(ctx: Context, kind: str, default: Any) -> Any:
    said = ctx.wait_for_human(kind, "Well?", 60, default, metadata={"artifact": "Dear bob"})
    return said.value


@procedure
def agent_names(ctx: Context, names: list[str]) -> list[Any]:
    """A step under each name, and what is kept under it after a question."""
    for name in names:
        ctx.step_run(name, partial(act, f"did {name}"))
    ctx.wait_for_human("approval", "Go on?")
    return [ctx.checkpoint_get(name) for name in names]


@procedure
def agent_forgets(ctx: Context, after: str) -> list[bool]:
    names = ["one", "two", "three"]
    for name in names:
        ctx.step_run(name, partial(act, name))
    ctx.checkpoint_clear_after(after)
    return [ctx.checkpoint_exists(name) for name in names]


@procedure
def agent_shows(
    ctx: Context,
    kind: str,
    message: str,
    artifact: Any = "",
    timeout: float | None = None,
    options: list[dict[str, str]] | None = None,
) -> list[Any]:
    """Metadata tells the time, which every replay finds changed."""
    metadata = {"artifact": artifact, "read_at": datetime.now(UTC).isoformat()}
    said = ctx.wait_for_human(kind, message, timeout, "as written", options, metadata)
    return [said.value, said.timed_out]


class OverLimitError(Exception):
    """An error of the program's own."""


class TwoPartsError(Exception):
    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right}")


FAILURES: dict[str, Callable[[], Exception]] = {
    "ValueError": lambda: ValueError("no number"),
    "KeyError": lambda: KeyError("order"),
    "ConnectionRefusedError": ConnectionRefusedError,
    "OverLimitError": lambda: OverLimitError("above 100 €"),
    "TwoPartsError": lambda: TwoPartsError("this", "that"),
    "JSONDecodeError": lambda: JSONDecodeError("bad", "{", 1),
    "Local": lambda: type("Local", (Exception,), {})("mine"),
}


def fail_with(failure: str) -> None:
    did.append(failure)
    raise FAILURES[failure]()


@procedure
def agent_fails(ctx: Context, failure: str) -> list[str]:
    """Catches what its step raises, before a question and on the replay after it."""
    caught: list[str] = []
    try:
        ctx.step_run("fail", partial(fail_with, failure))
    except Exception as error:  # noqa: BLE001 (authors do that)
        caught = [type(error).__name__, str(error)]
    ctx.wait_for_human("approval", f"Go on after {caught[0]}?")
    return caught


@procedure
def agent_fails_for_good(ctx: Context) -> None:
    ctx.step_run("fail", partial(fail_with, "ValueError"))


@procedure
def asks_a_word(ctx: Context) -> str:
    return ctx.ask("Which word?").value


@procedure
def asks_through_another(ctx: Context) -> Any:
    return ctx.call(asks_a_word)


@procedure
def asks_two_below(ctx: Context) -> Any:
    word = ctx.call(asks_through_another)
    return ctx.step(act, f"heard {word}", name="hear")


@procedure
def asks_inside_a_step(ctx: Context) -> Any:
    return ctx.step(lambda: ctx.ask("Which word?").value, name="tool")


def pack(ctx: Context) -> str:
    for part in ("top", "bottom"):
        ctx.step(act, part, name="work")
    ctx.approve("Packed?")
    return ctx.step(act, "seal", name="work")


def address(ctx: Context) -> str:
    ctx.approve("Addressed?")
    return ctx.step(act, "label", name="work")


@procedure
def nested_work(ctx: Context) -> str:
    """Steps of one name on every level, with questions between them."""
    ctx.step(act, "begin", name="work")
    ctx.gather(pack, address)
    ctx.call(doubled, number=4, asks=True)
    return ctx.step(act, "end", name="work")


@procedure
def increment(ctx: Context) -> int:
    ctx.state["count"] = ctx.state.get("count", 0) + 1
    for turn in range(3):
        ctx.approve(f"Once more after {turn}?")
    return int(ctx.state["count"])


@procedure
def logs_and_sleeps(ctx: Context) -> None:
    for turn in (1, 2):
        ctx.log(f"Turn {turn}.")
        ctx.sleep("1h")
    ctx.approve("Enough?")
    ctx.log("Enough.")


@procedure
def protected(ctx: Context) -> str:
    """Guards a call against errors, as `pcall` does."""
    try:
        return f"said {bool(ctx.approve('Go?'))}"
    except Exception:  # noqa: BLE001 (authors do that)
        return ctx.step(act, "swallowed")


@procedure
def pays_on_a_reply(ctx: Context) -> str:
    ctx.approve("Pay?")
    return ctx.step(let_others_act, name="pay")


@procedure
def state_between_steps(ctx: Context) -> dict[str, Any]:
    ctx.step(act, "first")
    ctx.state["kept"] = {"order": 7}
    ctx.step(act, "second")
    ctx.gather(in_a_branch)
    ctx.call(doubled, number=1)
    ctx.approve("Go on?")
    ctx.step(act, "third")
    return dict(ctx.state)


def in_a_branch(ctx: Context) -> None:
    ctx.step(act, "in a branch")
    ctx.state["branch"] = True


@procedure
def while_true(ctx: Context) -> None:
    ctx.step(go_round, timeout="0.05s")


def go_round() -> None:
    while True:
        pass


# As a chart of states does it


@procedure
def parcel(ctx: Context) -> list[Any]:
    """Machine, person, machine."""
    ctx.step(act, "pack", name="pack")
    said = ctx.ask("How heavy is it?", int)
    saw.append((said.value, said.responder, said.comment))
    ctx.step(act, f"weigh {said.value}", name="weigh")
    ctx.approve("Send it?")
    ctx.step(act, "send", name="send")
    return [said.value, said.responder, said.comment]


@procedure
def asked_in_children(ctx: Context) -> Any:
    return ctx.map(doubled, [{"number": number, "asks": True} for number in (1, 2)])


@procedure
def pays_on_condition(ctx: Context, needs: str) -> str:
    answers: dict[str, Any] = {
        "approval": lambda: ctx.approve("Pay?"),
        "silence": lambda: ctx.approve("Pay?", expires="1h", default=False),
        "yes or no": lambda: ctx.ask("Shall it be paid?", bool),
        "choice": lambda: ctx.choose("Pay?", ["true", "false"]).value == "true",
    }
    return ctx.step(act, "pay" if answers[needs]() else "refuse", name="end")


# As a runtime of effects does it


@procedure
def loops(ctx: Context, times: int) -> int:
    """Many effects under one name, a question in their middle."""
    for turn in range(times):
        ctx.step(act, f"turn {turn}", name="effect")
        if turn == times // 2:
            ctx.approve("Go on?")
    return times


def transfer(step: Step) -> str:
    did.append(step.idempotency_key)
    if "dies" in saw:
        saw.remove("dies")
        raise KeyboardInterrupt
    return "paid"


@procedure
def transferring(ctx: Context) -> str:
    return ctx.step(transfer)


@procedure
def transferring_between_steps(ctx: Context) -> None:
    ctx.step(act, "before", name="before")
    ctx.step(transfer)
    ctx.step(act, "after", name="after")


def enter(step: Step) -> None:
    """Writes into the database; what it writes is a group's name."""
    Group.objects.create(name="entered")
    transfer(step)


def entered() -> list[str]:
    return list(Group.objects.filter(name="entered").values_list("name", flat=True))


@procedure
def entering(ctx: Context) -> None:
    ctx.step(enter, transaction=True)


# What none of them can do


def in_one(ctx: Context) -> str:
    return ctx.ask("One?").value


def in_other(ctx: Context) -> str:
    return ctx.ask("Other?").value


@procedure
def asks_on_every_level(ctx: Context) -> list[Any]:
    """Ask in its own code, in a child and in two branches, all at once."""
    decision, child = ctx.later.approve("Go?"), ctx.spawn(asks_a_word)
    words = ctx.gather(in_one, in_other)
    return [bool(decision.wait()), child.wait(), *words]


@procedure
def two_deadlines(ctx: Context) -> list[Any]:
    early = ctx.later.approve("Early?", name="early", expires="1h", default=False)
    late = ctx.later.approve("Late?", name="late", expires="2h", default=False)
    return [[one.outcome, one.timed_out] for one in ctx.wait_all(early, late)]
