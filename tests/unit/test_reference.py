"""The reference of what authors import."""

import inspect
import re

import pytest

from procedures import engine
from procedures.engine import Context
from tests.reference import PAGE, reference

QUIET = {
    *("now", "random", "uuid", "state", "parent_id", "later"),
    *("checkpoint_exists", "checkpoint_get", "checkpoint_clear_after", "checkpoint_clear_all"),
}
"""Verbs that refuse nothing."""
VERBS = [name for name in dir(Context) if name[0] != "_" and getattr(Context, name).__doc__]


def test_the_page_is_written_from_the_docstrings() -> None:
    assert PAGE.read_text() == reference(), "Run `make reference`."


@pytest.mark.parametrize("name", sorted(set(VERBS) - QUIET))
def test_each_verb_names_the_errors_it_raises(name: str) -> None:
    text = " ".join((inspect.getdoc(getattr(Context, name)) or "").split())
    told = re.findall(r"[Rr]aises `(\w+)`", text)

    assert told
    assert all(one == "ValueError" or one in engine.__all__ for one in told)


@pytest.mark.parametrize("name", engine.__all__)
def test_everything_that_authors_import_is_in_it(name: str) -> None:
    if name not in {"Context", "Duration", "Fault"}:
        assert re.search(rf"^#+ `?{name}\b", PAGE.read_text(), re.MULTILINE)
