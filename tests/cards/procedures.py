"""Procedures that ask what a matter says, one for each field of work."""

from collections.abc import Mapping
from typing import Any

from procedures.engine import Context, procedure
from procedures.engine.declaration.roles import Role
from tests.cards.matters import MATTERS

ROLES: Mapping[Role, str] = {"start": "support", "answer": "finance"}


def ask(ctx: Context, number: int) -> Any:
    matter = MATTERS[number]
    return ctx.request(matter.kind, matter.prompt, *matter.arguments, **matter.options).value


@procedure(title="Pay invoices", roles=ROLES)
def cards_pay(ctx: Context, number: int) -> Any:
    """Asks before money is paid."""
    return ask(ctx, number)


@procedure(title="Refund orders", roles=ROLES)
def cards_refund(ctx: Context, number: int) -> Any:
    """Asks before an order is refunded."""
    return ask(ctx, number)


@procedure(title="Release the shop", roles=ROLES)
def cards_release(ctx: Context, number: int) -> Any:
    """Asks before something of the site is changed."""
    return ask(ctx, number)


@procedure(title="Keep the records right", roles=ROLES)
def cards_correct(ctx: Context, number: int) -> Any:
    """Asks before a record is changed."""
    return ask(ctx, number)


@procedure(title="Publish texts", roles=ROLES)
def cards_publish(ctx: Context, number: int) -> Any:
    """Asks before something is sent or shown."""
    return ask(ctx, number)


@procedure(title="Answer customers", roles=ROLES)
def cards_agent(ctx: Context, number: int) -> Any:
    """Asks before an agent uses a tool."""
    return ask(ctx, number)


@procedure(title="Give access", roles=ROLES)
def cards_access(ctx: Context, number: int) -> Any:
    """Asks before somebody gets a right."""
    return ask(ctx, number)
