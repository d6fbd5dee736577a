"""Optional packages that front-ends for programs need in addition to those of the product."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Name the extra to install if an import inside the block fails for lack of a package."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == __package__:
            raise
        words = f"The package {error.name} is missing. Install countersign[{extra}]."
        raise ImportError(words, name=error.name) from error
