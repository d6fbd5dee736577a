"""Steps: repeated, typed, talkative, failing at first, with files."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

from pydantic import BaseModel

from procedures.engine import Context, File, Retry, Step, StepFailedError, procedure
from tests.procedures.traces import act, did, saw


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


@procedure
def knows_its_starter(ctx: Context) -> str:
    return ctx.started_by


@procedure
def two_steps(ctx: Context) -> list[str]:
    return [ctx.step(act, "pack", name="pack"), ctx.step(act, "send", name="send")]


@procedure
def repeated_steps(ctx: Context, times: int) -> list[str]:
    return [ctx.step(act, f"turn {turn}") for turn in range(times)]


@procedure
def turn_by_turn(ctx: Context, times: int) -> None:
    for turn in range(times):
        ctx.step(act, f"turn {turn}", name="white" if turn % 2 else "black")


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
