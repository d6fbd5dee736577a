"""The packages that programs need beyond the product's own."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Name the extra to install if a package that is imported inside is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == __package__:
            raise
        words = f"The package {error.name} is missing. Install countersign[{extra}]."
        raise ImportError(words, name=error.name) from error
