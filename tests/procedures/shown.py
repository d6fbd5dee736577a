"""Procedures that show people whatever a test wants."""

from typing import Any

from procedures.engine import Context, procedure


@procedure
def shows_evidence(ctx: Context, evidence: Any) -> Any:
    ctx.approve("Is this right?", evidence=evidence)
    return evidence


@procedure(title="Donaudampfschifffahrtsgesellschaftskapitänsmützenbestellungen prüfen")
def long_words(ctx: Context) -> None:
    """A title with a word that is longer than a phone is wide."""
    ctx.approve("Is the Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz kept?")


@procedure(title="استرداد طلب العميل")
def arabic(ctx: Context) -> None:
    ctx.approve("هل نسترد مبلغ 31.20 EUR؟")


@procedure
def says_all(ctx: Context, text: str) -> None:
    """The text wherever people read one."""
    ctx.stage(text)
    ctx.log(text)
    ctx.alert(text)
    ctx.progress(text, 1, 2)
    ctx.state[text] = text
    ctx.review(text, text, body=text, evidence={text: text})
