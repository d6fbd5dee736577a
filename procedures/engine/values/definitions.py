"""Classes that a site registers by name, and the places where they are defined."""

import re

from procedures.engine.values.spelling import short_repr

NAME = re.compile(r"[a-z][a-z0-9_]*")


def is_same_definition(one: type, other: type) -> bool:
    """Return True if the classes have the same module and name, as after a reload of the module."""
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def checked_name(cls: object, base: type, *, longest: int) -> str:
    """Return the name of a class that is to be registered.

    Raises `ValueError` if `cls` isn't a subclass of `base`, or if the name of the class is
    invalid or has more than `longest` characters.
    """
    if not (isinstance(cls, type) and issubclass(cls, base)):
        package = base.__module__.rpartition(".")[0]  # the package that exports the class
        words = f"{short_repr(cls)} isn't a subclass of {package}.{base.__name__}."
        raise ValueError(words)  # noqa: TRY004 (one error for all faults)
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or len(name) > longest or not NAME.fullmatch(name):
        raise ValueError(
            f"Invalid name {short_repr(name)} of {cls.__name__}: use at most {longest} lowercase "
            "letters, digits and _, beginning with a letter."
        )
    return name
