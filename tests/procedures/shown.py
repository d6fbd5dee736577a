"""Procedures that show people whatever a test wants."""

from typing import Any

from procedures.engine import Context, procedure


@procedure
def shows_evidence(ctx: Context, evidence: Any) -> Any:
    ctx.approve("Is this right?", evidence=evidence)
    return evidence


@procedure
def says_all(ctx: Context, text: str) -> None:
    """The text wherever people read one."""
    ctx.stage(text)
    ctx.log(text)
    ctx.alert(text)
    ctx.progress(text, 1, 2)
    ctx.state[text] = text
    ctx.review(text, text, body=text, evidence={text: text})
