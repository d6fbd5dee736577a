"""Families that ask different people in one session."""

from procedures.engine import Context, procedure


@procedure(title="Ask somebody")
def ask_somebody(ctx: Context, whom: str) -> bool:
    ctx.notify("About to ask.")
    return bool(ctx.approve("Is this right?", assign=whom))


@procedure(title="Ask through children")
def ask_through_children(ctx: Context, whom: str, children: list[str], mapped: list[str]) -> bool:
    for child in children:
        ctx.spawn(ask_somebody, whom=child)
    if mapped:
        ctx.map(ask_somebody, [{"whom": one} for one in mapped])
    return bool(ctx.approve("Is all of this right?", assign=whom))
