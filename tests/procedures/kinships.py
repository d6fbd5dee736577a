"""A parent that leaves a mark in everything it says, and a child that asks somebody else."""

from procedures.engine import Context, File, Step, procedure

MARK = "zebra"


@procedure(title="Zebra paper", subject="The zebra paper: {remark}")
def zebra_parent(ctx: Context, paper: File, remark: str, whom: str) -> dict[str, str]:
    """Zebra documentation."""
    ctx.stage("Zebra stage")
    ctx.log(f"zebra log {remark}")
    ctx.step(zebra_step, paper.name)
    ctx.state["zebra_state"] = "zebra value"
    ctx.notify("A zebra notice.")
    ctx.alert("A zebra alert.", level="critical")
    ctx.approve(
        "A zebra question?",
        yes="Zebra yes",
        body="A zebra **body**.",
        evidence={"zebra_key": "zebra evidence"},
        assign="zebras",
    )
    ctx.review("A zebra review?", "A zebra draft.", assign="zebras")
    ctx.spawn(plain_child, whom=whom, on_parent_end="abandon")
    ctx.ask("A zebra word?", assign="zebras")
    ctx.map(plain_child, [{"whom": whom}, {"whom": "@zebra_bob"}])
    return {"zebra_result": "zebra end"}


def zebra_step(name: str, step: Step) -> str:
    step.say("zebra says")
    File.keep("zebra-kept.txt", f"zebra content of {name}")
    return "zebra output"


@procedure(title="Plain child")
def plain_child(ctx: Context, whom: str) -> bool:
    ctx.notify("A plain notice.")
    return bool(ctx.approve("A plain question?", evidence={"order": 7}, assign=whom))
