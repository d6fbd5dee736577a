"""Inputs with which people choose a value from the site's settings by the value's name.

Only the name is sent and stored. The value, such as a path or a command, stays in the settings.
"""

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
"""A function that takes the name of a setting and returns the values in that setting by name."""
FORMAT = "site-choice"
"""The `format` in the JSON Schema of an input whose type has a `SiteChoice`."""
HERE: ContextVar[Allowed | None] = ContextVar("allowed", default=None)


class Site:
    """The allowed values of this process: the host sets the function `allowed` once at start."""

    allowed: ClassVar[Allowed] = staticmethod(lambda _setting: {})


@with_fields("SiteChoice")
@dataclass(frozen=True)
class SiteChoice:
    """An input whose value people choose by name from a setting of the site.

    Annotate the input as `repository: Annotated[str, SiteChoice("REPOSITORIES")]`. The setting
    REPOSITORIES maps names to values. People send a name, and the journal stores the name; a step
    gets the current value with `SiteChoice("REPOSITORIES").value(repository)`.
    """

    setting: str

    def __post_init__(self) -> None:
        check_text("setting of a SiteChoice", self.setting)

    @property
    def names(self) -> list[str]:
        return list(_allowed(self.setting))

    def value(self, name: str) -> str:
        """Return the value that the setting currently has under this name.

        Raises `ChoiceGoneError` if the setting no longer contains the name.
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
        # A stored name stays valid for its run even if the settings have changed, because the
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
    """Use these choices inside the block instead of the site's choices.

    `choices` maps each setting to the values in the setting by name: `{"REPOSITORIES": {"shop":
    "/srv/shop"}}`.
    """
    token = HERE.set(lambda setting: choices.get(setting, {}))
    try:
        yield
    finally:
        HERE.reset(token)


def _allowed(setting: str) -> Mapping[str, str]:
    return (HERE.get() or Site.allowed)(setting)
