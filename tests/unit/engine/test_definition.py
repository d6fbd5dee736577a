"""A plain function becomes a procedure, or is refused when it is declared."""

from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from procedures.engine import Context, Limits, procedure
from procedures.engine.errors import DefinitionError
from tests.unit.engine.orders import Line, send_order


def test_a_procedure_says_what_it_is() -> None:
    assert (send_order.name, send_order.title) == ("send_order", "Send order")
    assert send_order.doc == "Send an order.\n\nIn one parcel."
    assert "def send_order(" in send_order.source
    assert len(send_order.version) == 12


def test_what_was_typed_at_a_prompt_has_a_version_too() -> None:
    names: dict[str, Any] = {"__name__": "prompt", "procedure": procedure}
    for body in ("1", "2 + len(ctx.run_id)"):
        exec(f"@procedure\ndef typed{body[0]}(ctx):\n    return {body}", names)  # noqa: S102
    versions = {names["typed1"].version, names["typed2"].version}
    assert {len(version) for version in versions} == {12}
    assert len(versions) == 2


def test_a_function_made_from_a_file_that_is_not_python_has_a_version(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear customer (\n")
    names: dict[str, Any] = {"__name__": "letter", "procedure": procedure}

    made = compile("@procedure\ndef send(ctx):\n    return 1", str(letter), "exec")
    exec(made, names)  # noqa: S102

    assert len(names["send"].version) == 12
    assert names["send"].source == ""


def test_a_procedure_can_be_called_like_its_function() -> None:
    @procedure(name="add", title="Add two")
    def plus(ctx: Context, one: int, other: int) -> int:
        return one + other

    assert (plus.name, plus.title) == ("add", "Add two")
    assert plus(None, 1, other=2) == 3


def test_roles_name_groups() -> None:
    @procedure(roles={"start": "support", "answer": ["finance", "board"]})
    def pay(ctx: Context) -> None: ...

    assert pay.roles == {"start": ("support",), "answer": ("finance", "board")}


async def coroutine(ctx: Context) -> None: ...
async def async_generator(ctx: Context) -> Any:
    yield


def generator(ctx: Context) -> Generator[None, None, None]:
    yield


def no_context() -> None: ...
def only_named(*, ctx: Context) -> None: ...
def only_many(*ctx: Context) -> None: ...
def no_room(order: str, amount: int) -> None: ...
def many(ctx: Context, *orders: int) -> None: ...
def any_names(ctx: Context, **orders: int) -> None: ...
def unnamed(ctx: Context, order: int, /) -> None: ...
def untyped(ctx: Context, order) -> None: ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        *[(fn, "regular function") for fn in (coroutine, generator, async_generator)],
        *[(fn, "regular function") for fn in (partial(untyped), Line, len)],
        (no_context, r"the first parameter of a procedure must be the context"),
        (only_named, r"the first parameter of a procedure must be the context"),
        (only_many, r"the first parameter of a procedure must be the context"),
        (
            no_room,
            r"the context, but order has the type <class 'str'>. Write no_room\(ctx: Context, ",
        ),
        *[(fn, "Name each input") for fn in (many, any_names, unnamed)],
        (untyped, "the input order needs a type annotation"),
        (lambda ctx: None, "<lambda>"),
    ],
)
def test_what_cannot_be_a_procedure_is_refused_when_it_is_declared(
    fn: Callable[..., Any], words: str
) -> None:
    with pytest.raises(DefinitionError, match=words):
        procedure(fn)


@pytest.mark.parametrize(
    "words",
    [
        {"name": "pay/all"},
        {"name": "pay all"},
        {"name": "1st"},
        {"name": "p" * 101},
        {"title": " "},
        {"title": "T" * 201},
        {"roles": {"begin": "support"}},
    ],
)
def test_so_are_names_that_could_not_be_used(words: Mapping[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        procedure(**words)(generatorless)


def generatorless(ctx: Context) -> None: ...


@pytest.mark.parametrize(
    "limits",
    [
        {"steps": -1},
        {"events": 1.5},
        {"children": True},
        {"depth": "2"},
        {"max_duration": "a while"},
    ],
)
def test_limits_are_whole_numbers_and_lengths_of_time(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Invalid|is no limit"):
        Limits(**limits)


def test_limits_of_a_procedure_are_limits() -> None:
    with pytest.raises(DefinitionError, match=r"^Write limits=Limits\(steps=...\), not limits={"):
        procedure(limits={"steps": 3})(lambda ctx: ctx)  # type: ignore[call-overload]
