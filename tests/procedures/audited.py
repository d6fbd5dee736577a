"""A run of which an auditor reads a row of every kind."""

from procedures.engine import Context, File, procedure


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
