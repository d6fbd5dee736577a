"""One module reads Pydantic's core schemas, and all that is asked of a type is answered there."""

import ast
from collections.abc import Iterator
from enum import Enum, Flag
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import (
    UUID4,
    AliasChoices,
    BaseModel,
    Field,
    PastDate,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
    computed_field,
)
from pydantic.types import Secret

from procedures.engine.errors import AnswerError
from procedures.engine.values import canonical
from procedures.engine.values.inspection import holds_secret
from procedures.engine.values.shapes import check_shape, shape_of
from tests.unit.engine.test_shapes import HINTS

ROOT = Path(__file__).parents[3]
PACKAGES = ("procedures", "chat", "dashboard", "examples", "programs")
READER = Path("procedures/engine/values/inspection.py")
CORE = {"core_schema", "CoreSchema", "SchemaValidator", "SchemaSerializer"}
HOOKS = {"__get_pydantic_core_schema__", "__get_pydantic_json_schema__"}
OF_HOOKS = {Path(f"procedures/engine/values/{name}.py") for name in ("choices", "files")}


def uses(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what touches Pydantic's core schemas outside of its hooks."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name in HOOKS:
            continue
        names = {getattr(node, name, None) for name in ("id", "attr", "name")}
        if names & CORE or (isinstance(node, ast.Attribute) and "pydantic_core" in node.attr):
            yield node
        yield from uses(node)


def test_one_module_reads_core_schemas() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    found = {file.relative_to(ROOT): [*uses(ast.parse(file.read_text()))] for file in files}

    assert {file for file, used in found.items() if used} == {READER, *OF_HOOKS}
    assert {type(node) for file in OF_HOOKS for node in found[file]} == {ast.alias}


class Shown(BaseModel):
    password: Annotated[SecretStr, WithJsonSchema({"type": "string"})]


class Made(BaseModel):
    name: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def password(self) -> Secret[int]:
        return Secret(7)


@pytest.mark.parametrize("hint", [Shown, Made, list[Shown | None], dict[str, Made]], ids=str)
def test_a_secret_is_found_whatever_its_json_schema_says(hint: Any) -> None:
    assert holds_secret(hint)


@pytest.mark.parametrize("hint", HINTS, ids=map(str, range(len(HINTS))))
def test_what_is_kept_of_a_type_is_a_json_schema(hint: Any) -> None:
    Draft202012Validator.check_schema(shape_of(hint))


class Found(Enum):
    A = "a"

    @classmethod
    def _missing_(cls, value: object) -> "Found":
        return cls.A


class Rights(Flag):
    READ = 1
    WRITE = 2


class Named(BaseModel):
    order: int = Field(validation_alias=AliasChoices("order", "number"))


Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=3)]


@pytest.mark.parametrize(
    ("hint", "taken", "refused"),
    [
        (Found, "z", None),
        (Rights, 3, None),
        (Named, {"number": 1}, {"number": "x"}),
        (UUID4, "e1d41b1a-7b0d-4b0c-8c0c-0f4a3f1c2b1a", "0190e5a4-7c1b-7d2e-8f30-1a2b3c4d5e6f"),
        (PastDate, "2020-01-01", "2999-01-01"),
        (Short, " abc  ", "abcd"),
    ],
    ids=str,
)
def test_a_shape_is_as_strict_as_its_type_and_never_stricter(
    hint: Any, taken: Any, refused: Any
) -> None:
    shape = shape_of(hint)

    assert canonical.load(taken, hint) is not None
    check_shape(taken, shape)
    if refused is not None:
        with pytest.raises(AnswerError):
            check_shape(refused, shape)
