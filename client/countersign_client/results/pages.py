"""Pages of lists."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list."""

    items: tuple[T, ...]
    next: Any
    """The value to pass as `after` to get the next page; None on the last page."""


class Numbered(Protocol):
    """An entry of a list in which each entry has a number, `seq`."""

    @property
    def seq(self) -> int: ...
