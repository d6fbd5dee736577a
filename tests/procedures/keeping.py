"""Steps whose effect has happened when their file store fails, and code that reads files."""

from contextlib import suppress
from typing import Any, Literal

from procedures.engine import Context, File, Retry, Step, procedure
from tests.procedures.traces import act, did

LARGE = "x" * 100_000
Way = Literal["file", "large", "caught", "wrapped", "grouped", "late", "swallowed"]


def pay_and_keep(way: Way, step: Step) -> Any:
    """Has its effect, then needs the file store."""
    did.append(step.idempotency_key.partition(":")[2])
    match way:
        case "file":
            return File.keep("receipt.txt", "31.20")
        case "large":
            return LARGE
        case "late":  # what the code makes of it comes to another error
            try:
                return File.keep("receipt.txt", "31.20")
            finally:
                raise ValueError("The receipt was lost.")
        case "wrapped" | "caught":
            return _keep_wrapped()
        case "grouped":
            try:
                return File.keep("receipt.txt", "31.20")
            except BaseException as error:  # noqa: BLE001 (as asyncio.TaskGroup does)
                raise BaseExceptionGroup("Several", [error]) from None
        case "swallowed":
            with suppress(BaseException):
                return File.keep("receipt.txt", "31.20")
            raise ValueError("There is no receipt.")


def _keep_wrapped() -> File:
    try:
        return File.keep("receipt.txt", "31.20")
    except BaseException as error:
        raise RuntimeError("The receipt was lost.") from error


@procedure
def keeping(ctx: Context, way: Way = "file", in_branch: bool = False) -> str:  # noqa: FBT001, FBT002
    ctx.compensate(act, "pay back", name="pay back")
    if in_branch:
        ctx.gather(keep_in_branch)
    else:
        ctx.step(pay_and_keep, way, name="pay", retry=Retry(3, backoff="10ms"))
    return "paid"


def keep_in_branch(ctx: Context) -> None:
    ctx.step(pay_and_keep, "file", name="pay", retry=Retry(3, backoff="10ms"))


@procedure
def reading_files(
    ctx: Context, file: File, where: Literal["step", "body", "replay"] = "step"
) -> int:
    """Reads what it was given, in a step or between them, or what a step has kept before."""
    ctx.compensate(act, "pay back", name="pay back")
    if where == "replay":
        large = ctx.step(str, LARGE, name="large")
        ctx.approve("Go on?")
        return len(large)
    return ctx.step(size_of, file) if where == "step" else size_of(file)


def size_of(file: File) -> int:
    return len(file.read())


def need_memory() -> None:
    raise MemoryError


def need_memory_together() -> None:
    raise ExceptionGroup("Several", [ValueError(), MemoryError()])


def need_memory_in_branch(ctx: Context) -> None:
    ctx.log("About to need it.")
    need_memory()


@procedure
def greedy(ctx: Context, where: Literal["step", "body", "branch", "group"]) -> None:
    ctx.compensate(act, "pay back", name="pay back")
    match where:
        case "step":
            ctx.step(need_memory, retry=Retry(3, backoff="10ms"))
        case "group":
            ctx.step(need_memory_together, retry=Retry(3, backoff="10ms"))
        case "branch":
            ctx.gather(need_memory_in_branch)
        case "body":
            need_memory()
