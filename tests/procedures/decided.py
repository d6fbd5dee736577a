"""Questions with conditions: who must agree, who may not answer, and what can be undone."""

from typing import Any

from pydantic import BaseModel

from procedures.engine import Context, Like, procedure


@procedure
def undoable(ctx: Context, expires: str = "") -> list[Any]:
    silence: Any = {"expires": expires, "default": False} if expires else {}
    asked = ctx.approve("Release it?", undo="10s", **silence)
    return [asked.value, asked.comment, asked.timed_out]


@procedure
def undoable_pair(ctx: Context) -> list[Any]:
    asked = [ctx.later.approve(f"May {name}?", name=name, undo="10s") for name in ("ann", "ben")]
    return [ctx.wait_any(*asked).key]


@procedure
def undoable_two_of_three(ctx: Context) -> list[Any]:
    lengths = {"ann": "20s", "ben": "10s", "cem": "5s"}
    asked = [ctx.later.approve(f"May {name}?", name=name, undo=lengths[name]) for name in lengths]
    return [one.key for one in ctx.wait_n(2, *asked)]


@procedure
def agreed(ctx: Context, quorum: int = 2, veto: bool = False, undo: bool = False) -> list[Any]:  # noqa: FBT001, FBT002
    held: Any = {"undo": "10s"} if undo else {}
    asked = ctx.approve("Pay 31 €?", quorum=quorum, veto=veto, **held)
    return [asked.value, [(vote.responder, vote.value) for vote in asked.votes]]


@procedure
def chosen_together(ctx: Context, then: str = "") -> list[Any]:
    later: Any = {"escalate": [("1h", then)]} if then else {}
    asked = ctx.choose("How?", {"sea": "By ship", "air": "By air"}, quorum=2, **later)
    return [asked.value, len(asked.votes)]


@procedure
def looked_at_twice(ctx: Context) -> bool:
    return bool(ctx.approve("Pay your own expenses?", four_eyes=True))


@procedure
def explained(ctx: Context) -> str:
    return ctx.approve("Release it?", comment_required_on="rejected", risk="high").comment


@procedure
def hurried(ctx: Context) -> bool:
    return bool(
        ctx.approve(
            "Pay 31 €?",
            assign="finance",
            due="1h",
            remind=["30 min", "2h"],
            escalate=[("1h", "managers"), ("3h", "@dave")],
            expires="1 day",
            default=False,
        )
    )


@procedure
def reminded_often(ctx: Context, quorum: int = 1) -> bool:
    return bool(ctx.approve("Pay 31 €?", assign="finance", remind="1h", quorum=quorum))


@procedure
def undoable_or_time(ctx: Context) -> list[Any]:
    asked, timer = ctx.later.approve("Release it?", undo="10s"), ctx.timer("30s")
    return [ctx.wait_any(asked, timer).key]


@procedure
def revised(ctx: Context, undo: bool = False, quorum: int = 1, expires: str = "") -> list[Any]:  # noqa: FBT001, FBT002
    """Writes a text anew until nobody asks back about it."""
    more: Any = {"undo": "10s"} if undo else {}
    more |= {"expires": expires, "default": False} if expires else {}
    text = "A lamp."
    asked = ctx.approve("Publish it?", body=text, quorum=quorum, ask_back=True, **more)
    while asked.is_asked_back:
        text = ctx.step(rewritten, text, asked.comment)
        asked = ctx.approve(
            "Publish it?", body=text, quorum=quorum, ask_back=True, follows=asked, **more
        )
    return [text, asked.value, [vote.responder for vote in asked.votes]]


def rewritten(text: str, wish: str) -> str:
    return f"{text} {wish}"


@procedure
def asked_back_in_pair(ctx: Context) -> list[Any]:
    """Asks two people, of whom one may ask back."""
    asked = [ctx.later.ask("Which?", name=name, ask_back=True) for name in ("a", "b")]
    first = ctx.wait_any(*asked)
    return [first.key, first.wait().outcome, *(one.wait().comment for one in asked)]


@procedure
def final_and_asked_back(ctx: Context) -> list[str]:
    asked = ctx.approve("Delete it?", irreversible=True, ask_back=True)
    return [asked.outcome, asked.comment]


@procedure
def alike(
    ctx: Context,
    customer: str = "ben",
    amount: str = "31.20",
    undo: bool = False,  # noqa: FBT001, FBT002
    four_eyes: bool = False,  # noqa: FBT001, FBT002
) -> list[Any]:
    held: Any = {"undo": "10s"} if undo else {}
    asked = ctx.approve(
        f"Refund {amount} €?",
        evidence={"customer": customer, "amount": amount, "order": str(ctx.uuid())},
        repeatable=Like(fields=["customer"], at_most={"amount": 100}),
        four_eyes=four_eyes,
        **held,
    )
    return [asked.value, asked.responder, asked.comment]


@procedure
def alike_in_a_set(ctx: Context) -> list[Any]:
    """Asks twice at once for what may be decided in advance, and once for something else."""
    like = Like(fields=["customer"])
    evidence = {"customer": "ben"}
    same = [
        ctx.later.approve("Pay?", name="pay", evidence=evidence, repeatable=like) for _ in range(2)
    ]
    first = ctx.wait_any(*same, ctx.later.ask("Why?"))
    return [first.key, *(one.wait().outcome for one in same)]


@procedure
def alike_in_words(
    ctx: Context,
    prompt: str = "Send a voucher?",
    options: Any = None,
    yes: str = "Yes, do it",
    risk: str = "normal",
    explained: str = "",
) -> Any:
    """Asks with the same evidence at the same step, for what may mean something else."""
    more: Any = {"evidence": {"customer": "ben"}, "repeatable": Like(fields=["customer"])}
    more |= {"risk": risk, "comment_required_on": explained or ()}
    if options:
        return ctx.choose(prompt, options, name="same", **more).value
    return ctx.approve(prompt, yes=yes, name="same", **more).value


@procedure
def packed_as_proposed(ctx: Context, parcels: Any) -> bool:
    return bool(ctx.request("action", "Pack it?", {"order": "A-7", "parcels": parcels}, Packing))


def packed(order: str, parcels: int) -> str:
    return f"{parcels} parcels of {order}"


@procedure
def packed_together(
    ctx: Context,
    quorum: int = 2,
    four_eyes: bool = False,  # noqa: FBT001, FBT002
    undo: bool = False,  # noqa: FBT001, FBT002
) -> list[Any]:
    """Packs what several people approve, who may change the number of parcels."""
    held: Any = {"undo": "10s"} if undo else {}
    values = {"order": "A-7", "parcels": 5}
    step = ctx.bind(packed, **values)
    conditions: Any = {"evidence": step, "quorum": quorum, "four_eyes": four_eyes, **held}
    asked = ctx.request("action", "Pack it?", values, Packing, **conditions)
    if not asked:
        return [asked.outcome, asked.responder]
    if asked.value:
        step = ctx.bind(packed, **dict(asked.value))
    done = ctx.step(step, approved_by=asked)
    return [asked.outcome, done, [vote.responder for vote in asked.votes]]


class Packing(BaseModel):
    """The values of what is packed."""

    order: str
    parcels: int
