"""The picture of a procedure: its steps as places, and the ways between them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

PlaceKind = Literal["step", "question", "timer", "signal", "choice"]
SHAPES: Mapping[str, tuple[str, str]] = {
    "step": ("[", "]"),
    "question": ("{{", "}}"),
    "timer": ("([", "])"),
    "signal": (">", "]"),
    "choice": ("{", "}"),
}
UNQUOTED = re.compile(r'["`#;<>|\n\r]')


@dataclass(frozen=True)
class Place:
    """One step, question or wait of a picture.

    `name` is the name of the step or wait in the code. A place named "pay" also stands for the
    steps "pay.check" and "pay.send", whose names begin with "pay" and a dot. A timer belongs to a
    place if the `reason` of the timer is the `label` of the place.
    """

    name: str
    label: str
    kind: PlaceKind = "step"


@dataclass(frozen=True)
class Way:
    """A way from one place to another; `label` says when the way is taken, or is ""."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Picture:
    """The places of a procedure in their order, and the ways between them."""

    places: tuple[Place, ...]
    ways: tuple[Way, ...] = ()

    def place_of(self, name: str, reason: str = "") -> Place | None:
        """Return the place that stands for a step or a wait; None if the picture has no such place.

        `name` is the name of the step or wait, for example "pay.check" or "pay#2". `reason` is the
        reason of a timer; the reason is compared with the labels of the places.
        """
        plain = name.partition("#")[0]
        known = {one.name: one for one in self.places}
        while plain:
            if plain in known:
                return known[plain]
            plain = plain.rpartition(".")[0]
        of_reason = (one for one in self.places if reason and one.label == reason)
        return next(of_reason, None)

    def mermaid(self, looks: Mapping[str, str] | None = None) -> str:
        """Return the picture as Mermaid text.

        `looks` maps the name of a place to the Mermaid class in which that place is drawn, for
        example `{"pay": "done"}`.
        """
        numbers = {one.name: f"n{number}" for number, one in enumerate(self.places)}
        lines = ["flowchart TD", *(_mermaid_place(numbers[one.name], one) for one in self.places)]
        lines += [_mermaid_way(numbers, way) for way in self.ways]
        lines += _mermaid_looks(numbers, looks or {})
        return "\n".join(lines)


def _mermaid_place(number: str, place: Place) -> str:
    begin, end = SHAPES[place.kind]
    return f'    {number}{begin}"{_quoted(place.label)}"{end}'


def _mermaid_way(numbers: Mapping[str, str], way: Way) -> str:
    label = f'|"{_quoted(way.label)}"|' if way.label else ""
    return f"    {numbers[way.source]} -->{label} {numbers[way.target]}"


def _mermaid_looks(numbers: Mapping[str, str], looks: Mapping[str, str]) -> Iterable[str]:
    for name, look in looks.items():
        yield f"    class {numbers[name]} {look}"


def _quoted(text: str) -> str:
    """Return the text with each character that has a meaning in Mermaid replaced by its code."""
    return UNQUOTED.sub(lambda found: f"#{ord(found[0])};", text)
