"""A procedure that asks whatever a test wants to be asked."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from procedures.engine import Context, procedure


@procedure
def one_of_each(ctx: Context, kind: str) -> Any:
    """Asks one question of the kind."""
    asks: dict[str, Callable[[], Any]] = {
        "approval": lambda: ctx.approve("Pay 31.20 €?", yes="Pay 31.20 €", no="Keep the money"),
        "text": lambda: ctx.ask("What is it called?"),
        "whole": lambda: ctx.ask("How many?", Annotated[int, Field(ge=1)]),
        "decimal": lambda: ctx.ask("How much?", Decimal),
        "date": lambda: ctx.ask("When?", date),
        "boolean": lambda: ctx.ask("Is it wet?", bool),
        "choice": lambda: ctx.choose("Which one?", {"a": "Apples", "b": "Bread", "3": "Cake"}),
        "many": lambda: ctx.choose("Which ones?", ["a", "b", "c"], many=True),
        "review": lambda: ctx.review("Is this right?", "Dear bob,\nthe parcel comes.\n"),
        "fleeting": lambda: ctx.approve("Still there?", expires="1h", on_timeout="withdraw"),
        "told": lambda: ctx.approve(
            "Go?",
            body="**Bold** <script>alert(1)</script> [here](javascript:alert(1)) ![x](/y.png)",
            evidence={"who": "<b>bob</b>", "parts": [{"a": 1, "b": "2.50"}], "is_new": True},
            expires="1h",
            default=False,
        ),
    }
    return asks[kind]().value
