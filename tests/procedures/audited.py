"""A run of which an auditor reads a row of every kind."""

from procedures.engine import ChildFailedError, Context, File, procedure


@procedure(title="Audited part")
def audited_part(_ctx: Context, note: str) -> str:
    return f"part of {note}"


def write_receipt() -> File:
    return File.keep("receipt.txt", "31.20")


@procedure(title="Audited", roles={"answer": "finance"})
def audited(ctx: Context, note: str) -> str:
    ctx.notify(f"It begins: {note}")
    ctx.step(write_receipt)
    part = ctx.call(audited_part, note=note)
    paid = ctx.signal("paid", int, expires="1h", default=0).wait()
    pay = ctx.approve(f"Pay {paid.value}?", evidence={"sum": paid.value}, assign="finance")
    ctx.ask("And then?")
    return f"{part}: {pay.value}"


@procedure(title="Audited hearer")
def audited_hearer(ctx: Context) -> int:
    return int(ctx.signal("word", int).wait().value)


@procedure(title="Audited failing part")
def audited_failing(_ctx: Context) -> None:
    raise ValueError("It does not go.")


@procedure(title="Audited family", roles={"answer": "finance"})
def audited_family(ctx: Context, paper: File, asked: list[str]) -> str:
    """A run with children, what it sends them, and a question to several people.

    Its code names none of them: the admin would warn of each that leaves.
    """
    heard = ctx.spawn(audited_hearer)
    ctx.send(heard, "word", 7)
    parts = ctx.map(audited_part, [{"note": "a"}, {"note": "b"}, {"note": "c"}], at_most=2)
    failed = ctx.spawn(audited_failing)
    answer = ctx.ask("Whom?", assign=asked)
    try:
        failed.wait()
    except ChildFailedError as error:
        ctx.notify(str(error))
    more = ctx.map(audited_part, [{"note": paper.name}])
    ctx.ask("The end?", assign=asked[-1])
    return f"{heard.wait()} {parts} {answer.value} {more}"
