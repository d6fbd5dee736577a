"""Inputs that name what a site's settings allow."""

from typing import Annotated

import pytest
from pytest_django import Settings

from procedures.engine import ChoiceGoneError, Context, InputError, SiteChoice, procedure
from procedures.engine.journal.events import RunStatus, closing
from procedures.engine.values.choices import use_choices
from procedures.testing.memory import MemoryStore
from tests.configured import configure

SHELVES = SiteChoice("SHELVES")


@procedure
def tidy(ctx: Context, shelf: Annotated[str, SHELVES]) -> str:
    ctx.approve("Tidy?")
    return ctx.step(SHELVES.value, shelf, name="tidy")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore({"SHELVES": {"low": "/shelves/1", "high": "/shelves/2"}})


def test_the_schema_names_what_is_allowed_and_no_values() -> None:
    with use_choices({"SHELVES": {"low": "/shelves/1", "high": "/shelves/2"}}):
        assert tidy.schema["properties"]["shelf"]["enum"] == ["low", "high"]
        assert "/shelves" not in str(tidy.schema)


def test_the_host_says_what_is_allowed(settings: Settings) -> None:
    configure(settings, SITE_CHOICES={"SHELVES": {"low": "/shelves/1"}})

    assert tidy.schema["properties"]["shelf"]["enum"] == ["low"]
    assert SHELVES.value("low") == "/shelves/1"


def test_the_journal_keeps_the_name_and_a_step_gets_the_value(store: MemoryStore) -> None:
    run_id = store.start(tidy, {"shelf": "high"})
    store.advance(run_id)
    store.resolve(run_id, "approve", closing("approved", True, responder="bob"))  # noqa: FBT003

    assert store.advance(run_id) == RunStatus.SUCCEEDED

    assert store.runs[run_id].facts.inputs == '{"shelf":"high"}'
    assert store.runs[run_id].result == '"/shelves/2"'


@pytest.mark.parametrize("name", ["/shelves/1", "", "LOW", "low "])
def test_what_the_settings_do_not_name_is_refused(store: MemoryStore, name: str) -> None:
    with pytest.raises(InputError, match=r"shelf: must be one of: low, high\.$"):
        store.start(tidy, {"shelf": name})


def test_where_nothing_is_allowed_the_setting_is_named() -> None:
    with pytest.raises(InputError, match="this site's setting SHELVES lists no values"):
        MemoryStore().start(tidy, {"shelf": "low"})


def test_a_name_that_is_taken_away_fails_the_step_in_words(store: MemoryStore) -> None:
    run_id = store.start(tidy, {"shelf": "high"})
    store.advance(run_id)
    store.choices = {"SHELVES": {"low": "/shelves/1"}}
    store.resolve(run_id, "approve", closing("approved", True, responder="bob"))  # noqa: FBT003

    assert store.advance(run_id) == RunStatus.FAILED

    error = store.runs[run_id].error
    assert error
    assert "This site's setting SHELVES no longer contains “high”." in error["message"]


def test_a_value_is_never_guessed(store: MemoryStore) -> None:
    with use_choices(store.choices), pytest.raises(ChoiceGoneError):
        SHELVES.value("middle")
