"""Traces of steps and procedures; a test begins with both empty."""

from collections.abc import Callable
from typing import Any

did: list[Any] = []
saw: list[Any] = []
interludes: list[Callable[[], object]] = []
"""The acts elsewhere while the step `let_others_act` runs."""


def forget() -> None:
    did.clear()
    saw.clear()
    interludes.clear()


def act(what: str) -> str:
    did.append(what)
    return what


def let_others_act() -> str:
    did.append("let_others_act")
    while interludes:
        interludes.pop(0)()
    return "done"
