"""Procedures that only the tests know, and what became of them.

`did` tells what steps did, `saw` what procedures saw; a test begins with both empty.
"""

import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

from pydantic import BaseModel

from procedures.engine import (
    Context,
    File,
    RequestExpiredError,
    Retry,
    Step,
    StepFailedError,
    procedure,
)

did: list[Any] = []
saw: list[Any] = []
interludes: list[Callable[[], object]] = []
"""What happens elsewhere while the step `let_others_act` runs."""


def forget() -> None:
    did.clear()
    saw.clear()
    interludes.clear()


def act(what: str) -> str:
    did.append(what)
    return what


def let_others_act() -> str:
    did.append("let_others_act")
    while interludes:
        interludes.pop(0)()
    return "done"


# Steps


def talk(step: Step, lines: int, *, fails: bool = False) -> str:
    did.append(step.attempt)
    for line in range(1, lines + 1):
        step.progress(f"line {line}")
    if fails and step.attempt == 1:
        raise OSError("lost the thread")
    return "said"


@procedure
def telling(ctx: Context, lines: int, fails: bool = False) -> bool:  # noqa: FBT001, FBT002
    ctx.step(partial(talk, fails=fails), lines, name="talk", retry=Retry(2, backoff="1ms"))
    return bool(ctx.approve("Enough?"))


def count(step: Step) -> None:
    for done in range(1, 51):
        step.progress(f"parcel {done}", done=done, total=50)


@procedure
def counting(ctx: Context) -> None:
    ctx.step(count)


def act_and_tell(step: Step) -> None:
    let_others_act()
    try:
        step.progress("still here")
    except BaseException:  # noqa: BLE001 (a step may be that careless)
        did.append("caught")


@procedure
def tells_after_others_acted(ctx: Context) -> str:
    ctx.step(act_and_tell)
    return ctx.step(act, "next", name="next")


@procedure
def knows_its_starter(ctx: Context) -> str:
    return ctx.started_by


@procedure
def two_steps(ctx: Context) -> list[str]:
    return [ctx.step(act, "pack", name="pack"), ctx.step(act, "send", name="send")]


@procedure
def repeated_steps(ctx: Context, times: int) -> list[str]:
    return [ctx.step(act, f"turn {turn}") for turn in range(times)]


class Speed(Enum):
    SLOW = "slow"
    FAST = "fast"


@dataclass(frozen=True)
class Parcel:
    weight: Decimal
    due: date
    label: File


class Shipment(BaseModel):
    parcels: list[Parcel]
    speed: Speed
    left_at: datetime
    tags: set[str]
    zones: dict[int, str]


def load_shipment() -> Shipment:
    did.append("load_shipment")
    parcel = Parcel(Decimal("1.50"), date(2026, 3, 1), File.keep("label.txt", "To: alice"))
    left_at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return Shipment(
        parcels=[parcel], speed=Speed.FAST, left_at=left_at, tags={"a", "b"}, zones={7: "north"}
    )


@procedure
def typed_results(ctx: Context) -> str:
    shipment = ctx.step(load_shipment)
    saw.append(shipment)
    ctx.approve("Go on?")
    return shipment.parcels[0].label.text()


def load_loosely() -> Any:
    return {"pair": (1, Decimal("1.5")), 7: date(2026, 3, 1)}


@procedure
def loose_results(ctx: Context) -> None:
    result = ctx.step(load_loosely)
    saw.append(deepcopy(result))
    result["pair"].append("changed by the procedure")
    ctx.approve("Go on?")


@procedure
def flaky(ctx: Context, failures: int, attempts: int = 3, backoff: str = "10ms") -> int:
    retry = Retry(attempts=attempts, backoff=backoff)
    return ctx.step(fail_at_first, failures, retry=retry)


def fail_at_first(failures: int, step: Step) -> int:
    did.append((step.attempt, step.idempotency_key))
    if step.attempt <= failures:
        raise ConnectionError("The bank does not answer.")
    return step.attempt


@procedure
def forgiving(ctx: Context) -> str:
    try:
        ctx.step(fail_at_first, 9, name="pay")
    except StepFailedError as error:
        saw.append((str(error), error.step, error.type, error.message))
    ctx.approve("Go on without?")
    return "went on"


def make_report(fails: bool) -> File:  # noqa: FBT001 (a step's arguments have no names)
    report = File.keep("report.csv", "a;b\n")
    if fails:
        raise ValueError("No ink.")
    return report


@procedure
def reports(ctx: Context, fails: bool) -> str:  # noqa: FBT001
    return ctx.step(make_report, fails).text()


@procedure
def same_file_twice(ctx: Context) -> int:
    return ctx.step(keep_twice)


def keep_twice() -> int:
    return len({File.keep("same.txt", "same"), File.keep("same.txt", "same")})


# People


@procedure
def question(ctx: Context) -> bool:
    ctx.step(act, "before", name="before")
    decision = ctx.approve("Pay 31.20 €?", evidence={"order": 7})
    saw.append(decision)
    ctx.step(act, "after", name="after")
    return bool(decision)


@procedure
def equal_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Once more?")) for _ in range(2)]


@procedure
def two_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Pay?")), bool(ctx.approve("Send?"))]


@procedure
def named_questions(ctx: Context) -> list[bool]:
    return [bool(ctx.approve("Pay?", name="pay")), bool(ctx.approve("Send?", name="send"))]


@procedure
def typed_answers(ctx: Context) -> list[Any]:
    values: list[Any] = [ctx.ask("How much?", Decimal).value]
    values.append(ctx.ask("When?", date).value)
    values.append(ctx.choose("Which?", ["a", "b"], many=True).value)
    values.append(ctx.review("Fine?", "Dear bob").value)
    saw.extend(values)
    return values


@procedure
def deadline_with_default(ctx: Context) -> bool:
    decision = ctx.approve("Go?", expires="1h", default=True)
    saw.append(decision)
    return bool(decision)


@procedure
def deadline_that_fails(ctx: Context) -> str:
    try:
        ctx.approve("Go?", expires="1h", on_timeout="fail")
    except RequestExpiredError as error:
        return str(error)
    return "answered"


@procedure
def deadline_that_withdraws(ctx: Context) -> bool:
    decision = ctx.approve("Go?", expires="1h", on_timeout="withdraw")
    saw.append(decision)
    return bool(decision)


# Time, chance, and what people see meanwhile


@procedure
def nap(ctx: Context) -> str:
    ctx.sleep("1h")
    return ctx.step(act, "awake")


@procedure
def talkative(ctx: Context) -> int:
    ctx.stage("Begin")
    ctx.state["count"] = 1
    ctx.log("Counting.", level="debug")
    for _ in range(2):
        ctx.approve("Go on?")
        ctx.state["count"] += 1
        ctx.notify("Counted.")
    return int(ctx.state["count"])


@procedure
def oddly_spoken(ctx: Context) -> str:
    """Says everywhere what a database could not keep as it is."""
    odd = "a\0b\ud800" + "ü" * 300
    ctx.stage(odd)
    ctx.log(odd)
    ctx.notify(odd)
    ctx.state["a\0b" + "ü" * 300] = "a\0b"
    ctx.step(lambda: File.keep("a\0b/" + odd, "a\0b"), name="keep")
    ctx.approve(odd, body="a\0b", evidence={"a\0b": "a\0b"}, yes=odd)
    raise ValueError(odd)


@procedure
def chance(ctx: Context) -> None:
    drawn = [ctx.now(), ctx.uuid(), ctx.random.random()]
    ctx.step(act, "kept")
    drawn += [ctx.now(), ctx.uuid(), ctx.random.random()]
    ctx.log("Noted, and no reason for another time.")
    drawn += [ctx.now()]
    saw.append(drawn)
    ctx.approve("Go on?")
    saw[-1].append(ctx.now())
    ctx.approve("Once more?")


# Wrong ones


@procedure
def leaver(ctx: Context, inside: str) -> None:
    if inside == "step":
        ctx.step(sys.exit, 3, name="leave")
    sys.exit(3)


@procedure
def swallower(ctx: Context) -> str:
    try:
        ctx.approve("Go?")
    except BaseException:  # noqa: BLE001 (that is what is wrong)
        saw.append("swallowed")
    return "went on"


@procedure
def stubborn(ctx: Context) -> None:
    """Calls everything again while its suspension passes."""
    try:
        ctx.approve("Go?")
    finally:
        for call in (
            lambda: ctx.step(act, "while leaving"),
            lambda: ctx.log("while leaving"),
            lambda: ctx.approve("Another?"),
            lambda: ctx.sleep("1h"),
            ctx.now,
            ctx.uuid,
            lambda: ctx.random,
        ):
            try:
                saw.append(call())
            except BaseException as error:  # noqa: BLE001 (they are looked at)
                saw.append(type(error).__name__)


@procedure
def context_in_step(ctx: Context, call: str) -> None:
    def use() -> Any:
        calls: dict[str, Callable[[], Any]] = {
            "step": lambda: ctx.step(act, "within"),
            "approve": lambda: ctx.approve("Go?"),
            "sleep": lambda: ctx.sleep("1h"),
            "log": lambda: ctx.log("within"),
            "state": lambda: ctx.state.update(count=1),
            "now": ctx.now,
            "uuid": ctx.uuid,
            "random": lambda: ctx.random.choice("ab"),
        }
        calls[call]()

    ctx.step(use, retry=Retry(attempts=3))


@procedure
def unkeepable(ctx: Context, kind: str) -> None:
    values: dict[str, Any] = {
        "object": object(),
        "nan": float("nan"),
        "infinity": [float("inf")],
        "surrogate": "\ud800",
        "bytes": b"\xff",
    }
    ctx.step(lambda: values[kind], name="make")


def count_wrongly() -> int:
    return "many"  # type: ignore[return-value]


@procedure
def wrong_annotation(ctx: Context) -> int:
    return ctx.step(count_wrongly)


@procedure
def others_act(ctx: Context) -> str:
    ctx.step(act, "before", name="before")
    ctx.step(let_others_act)
    return ctx.step(act, "after", name="after")


def work_once_mended(step: Step) -> str:
    did.append(f"attempt {step.attempt}")
    if "mended" not in saw:
        raise OSError("broken")
    return "worked"


@procedure
def broken(ctx: Context) -> str:
    ctx.step(act, "before", name="before")
    ctx.approve("Begin?")
    return ctx.step(work_once_mended, name="work")


@procedure
def others_act_then_it_asks(ctx: Context) -> bool:
    ctx.step(let_others_act)
    return bool(ctx.approve("Go on?"))


# Inputs


class Address(BaseModel):
    city: str


@procedure
def typed_inputs(  # noqa: PLR0913, PLR0917 (inputs come by name)
    ctx: Context,
    count: int,
    price: Decimal = Decimal(1),
    day: date | None = None,
    urgent: bool = False,  # noqa: FBT001, FBT002
    speed: Speed = Speed.SLOW,
    tags: tuple[str, ...] = (),
    address: Address | None = None,
    paper: File | None = None,
) -> int:
    ctx.approve("Go on?")
    return count


@procedure
def any_question(ctx: Context, kind: str) -> Any:
    questions: dict[str, Callable[[], Any]] = {
        "approval": lambda: ctx.approve("Go?", evidence={"order": 7}),
        "text": lambda: ctx.ask("What?", str),
        "whole": lambda: ctx.ask("How many?", int),
        "amount": lambda: ctx.ask("How much?", Decimal),
        "day": lambda: ctx.ask("When?", date),
        "one": lambda: ctx.choose("Which?", {"a": "Apple", "b": "Pear"}),
        "many": lambda: ctx.choose("Which?", ["a", "b"], many=True),
        "review": lambda: ctx.review("Fine?", "Dear bob"),
    }
    return questions[kind]().value


@procedure
def assigned_question(ctx: Context, whom: tuple[str, ...]) -> bool:
    return bool(ctx.approve("Go?", assign=whom))
