"""The removal of an option's effect: where it is obeyed, it reads as if nobody had given it.

It is declared, checked, stored and shown as before, unless showing it is its effect.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from importlib import import_module
from typing import Any

from procedures.engine.journal.payloads import Closing, Opening
from procedures.engine.kinds.questions import Question

Removal = Callable[[], None]
TEMPLATE = "django.template.base:_resolve_lookup"
"""The place at which templates read."""


class Unread:
    """A field of questions with its usual value at some places, and the author's elsewhere."""

    def __init__(self, name: str, places: tuple[str, ...]) -> None:
        self.name, self.places = name, places
        self.usual = getattr(Question, name, None)

    def __get__(self, question: Question | None, _owner: type) -> Any:
        if question is None or place_of(sys._getframe(1)) in self.places:  # noqa: SLF001
            return self.usual
        return question.__dict__[self.name]

    def __set__(self, question: Question, value: Any) -> None:
        question.__dict__[self.name] = value


def place_of(frame: Any) -> str:
    return f"{frame.f_globals['__name__']}:{frame.f_code.co_name}"


def unread(name: str, *places: str) -> Removal:
    """Have these functions, each named as "module:function", read the usual value of a field."""

    def remove() -> None:
        setattr(Question, name, Unread(name, places))

    return remove


def replaced(place: str, instead: Any) -> Removal:
    """Put something else in the place of "module:name" or "module:Class.name"."""

    def remove() -> None:
        module, _, path = place.partition(":")
        owner: Any = import_module(module)
        *outer, last = path.split(".")
        for name in outer:
            owner = getattr(owner, name)
        assert hasattr(owner, last), f"There is no {place}."
        setattr(owner, last, instead)

    return remove


def all_of(*removals: Removal) -> Removal:
    """Remove what is done at several places."""

    def remove() -> None:
        for one in removals:
            one()

    return remove


def silent(on_timeout: str) -> Removal:
    """Have nothing come of silence where the author chose this."""
    silence = Opening.silence

    def meant(self: Opening) -> Closing:
        return silence(replace(self, on_timeout=None) if self.on_timeout == on_timeout else self)

    return replaced("procedures.engine.journal.payloads:Opening.silence", meant)


def dropped(name: str) -> Removal:
    """Ask questions as if this option of their kind, or their name, hadn't been given."""

    def remove() -> None:
        module: Any = import_module("procedures.engine.waits.later")
        asked_for = module.asked_for

        @wraps(asked_for)
        def ask(rules: Any, prompt: str, args: Any, options: Any) -> Any:
            given = {key: value for key, value in options.items() if key != name}
            return asked_for(rules, prompt, args, given)

        module.asked_for = ask

    return remove


def unnamed() -> None:
    """Have each wait keep the usual name of its kind."""
    module: Any = import_module("procedures.engine.waits.later")
    request = module.Later.request

    @wraps(request)
    def ask(self: Any, kind: str, prompt: str, /, *args: Any, **options: Any) -> Any:
        options.pop("name", None)
        return request(self, kind, prompt, *args, **options)

    module.Later.request = ask
