"""Inputs that choose a value from a site's settings by name; the value itself is never sent."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import core_schema

from procedures.engine.errors import ChoiceGoneError
from procedures.engine.values.options import check_text, with_fields

Allowed = Callable[[str], Mapping[str, str]]
"""A function from a setting to its values by name."""
FORMAT = "site-choice"
"""The format by which a schema tells these names from an author's options."""
HERE: ContextVar[Allowed | None] = ContextVar("allowed", default=None)


class Site:
    """The process's source of allowed values; the host sets it once at start."""

    allowed: ClassVar[Allowed] = staticmethod(lambda _setting: {})


@with_fields("SiteChoice")
@dataclass(frozen=True)
class SiteChoice:
    """One of a setting's values, by name: `repository: Annotated[str, SiteChoice("REPOSITORIES")]`.

    People send the name and the journal keeps it; a step looks up the value with `value`.
    """

    setting: str

    def __post_init__(self) -> None:
        check_text("setting of a SiteChoice", self.setting)

    @property
    def names(self) -> list[str]:
        return list(_allowed(self.setting))

    def value(self, name: str) -> str:
        """Return the current value of a name.

        Raises `ChoiceGoneError` if it is no longer allowed.
        """
        try:
            return _allowed(self.setting)[name]
        except KeyError:
            raise ChoiceGoneError(name, self.setting) from None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_after_validator_function(self._validate, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "enum": self.names, "format": FORMAT}

    def _validate(self, name: str, info: ValidationInfo) -> str:
        names = self.names
        # What a run was started with stays valid for it, whatever the settings have become: its
        # replay must not fail.
        if name in names or (info.context and info.context.get("kept")):
            return name
        if not names:
            raise ValueError(
                f"can't be chosen: this site's setting {self.setting} lists no values."
            )
        raise ValueError(f"must be one of: {', '.join(names)}.")


@contextmanager
def use_choices(choices: Mapping[str, Mapping[str, str]]) -> Iterator[None]:
    """Use these values by setting and name inside the block, instead of the site's."""
    token = HERE.set(lambda setting: choices.get(setting, {}))
    try:
        yield
    finally:
        HERE.reset(token)


def _allowed(setting: str) -> Mapping[str, str]:
    return (HERE.get() or Site.allowed)(setting)
