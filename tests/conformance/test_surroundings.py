"""Changes of a step in its process affect no other step and no other run."""

import json
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any

import pytest

from procedures.engine.execution.rare import around_turns
from procedures.engine.journal.events import RunStatus
from tests.conformance.backends import Backend, answer, result_of
from tests.procedures import settings
from tests.procedures.changes import ALL, CHANGES, OF_TURNS


@pytest.fixture(autouse=True)
def process() -> Iterator[None]:
    """Whatever fails here changes no other test."""
    before = around_turns.read()
    yield
    around_turns.set_back(before)


def run(backend: Backend, procedure: Any, **inputs: Any) -> str:
    run_id = backend.start(procedure, **inputs)
    assert backend.advance(run_id) == RunStatus.SUCCEEDED
    return run_id


def warnings_of(backend: Backend, run_id: str) -> list[str]:
    logs = [event.content for event in backend.events(run_id) if event.kind == "log"]
    return [one["text"] for one in logs if one["level"] == "warning"]


@pytest.mark.parametrize("way", CHANGES)
def test_what_a_step_changes_is_set_back_after_it_and_told(way: str, backend: Backend) -> None:
    usual = settings.look(way)

    run_id = run(backend, settings.changing, way=way)

    assert result_of(backend, run_id) == [usual, usual]
    assert settings.look(way) == usual
    [told] = warnings_of(backend, run_id)
    words = "Settings that the step change changed were restored after it: "
    assert told.startswith(f"{words}{CHANGES[way].told}")
    assert "hunter2" not in json.dumps([event.data for event in backend.events(run_id)])


HOW = ["raises", "async", "timed", "transaction", "pure", "gather"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("way", ["precision", "language", "new variable", "folder", "locale"])
def test_it_is_set_back_however_the_step_is_called_and_ends(
    way: str, how: str, backend: Backend
) -> None:
    usual = settings.look(way)

    run_id = run(backend, settings.changing, way=way, how=how)

    assert result_of(backend, run_id) == [usual, usual]
    assert settings.look(way) == usual
    is_own = how == "async" and way == "language"  # a coroutine has context variables of its own
    assert len(warnings_of(backend, run_id)) == (0 if is_own else 1)


def test_every_setting_that_a_coroutine_changes_is_set_back(backend: Backend) -> None:
    usual = {way: settings.look(way) for way in CHANGES}

    found = {way: run(backend, settings.changing, way=way, how="async") for way in CHANGES}

    assert {way: result_of(backend, one) for way, one in found.items()} == {
        way: [seen, seen] for way, seen in usual.items()
    }


@pytest.mark.parametrize("way", ALL)
def test_what_the_code_itself_changes_stays_over_its_steps_and_replays_and_is_no_other_runs(
    way: str, backend: Backend
) -> None:
    usual = settings.look(way)
    run_id = backend.start(settings.changing_between, way=way)

    assert backend.advance(run_id) == RunStatus.WAITING
    assert settings.look(way) == usual
    answer(backend, run_id, "ask", "yes")
    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    seen, *later = result_of(backend, run_id)
    assert seen != usual
    assert later == [seen, seen]
    assert settings.look(way) == usual
    assert warnings_of(backend, run_id) == []


@pytest.mark.parametrize(
    "way", ["precision", "locale", "folder", "umask", "new variable", "sys.path", "ignored signal"]
)
def test_what_the_code_itself_changes_stays_over_a_step_that_sets_it_back(
    way: str, backend: Backend
) -> None:
    usual = settings.look(way)

    seen, later = result_of(backend, run(backend, settings.changing_against, way=way))

    assert seen != usual
    assert later == seen


@pytest.mark.parametrize("way", OF_TURNS)
def test_what_is_looked_at_once_a_turn_is_no_other_runs_and_told_in_the_log(
    way: str, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    usual = settings.look(way)

    run_id = run(backend, settings.changing, way=way)

    assert settings.look(way) == usual
    told = [line for line in caplog.messages if line.startswith(f"Run {run_id} changed ")]
    changed = OF_TURNS[way].told
    restored = "settings of its process, which were restored when the worker released it"
    words = f"Run {run_id} changed {restored}: {changed}."
    assert told == ([words] if changed else [])


def test_a_precision_that_a_step_has_set_changes_no_later_sum(backend: Backend) -> None:
    run(backend, settings.changing, way="precision")

    run_id = run(backend, settings.refunding)

    assert result_of(backend, run_id) == "1070.05 1070.05"


def test_a_context_that_the_caller_has_chosen_stays_as_it_is(backend: Backend) -> None:
    with localcontext(prec=7) as chosen:
        run(backend, settings.changing, way="precision")

        assert (chosen.prec, str(Decimal(1) / 3)) == (7, "0.3333333")


def test_random_numbers_are_other_ones_in_each_turn_whatever_seed_a_step_has_set(
    backend: Backend,
) -> None:
    drawn = []
    for _ in range(3):
        run(backend, settings.drawing, seeded=True)
        drawn.append(result_of(backend, run(backend, settings.drawing, seeded=False)))

    assert len(set(drawn)) == len(drawn)


def test_a_step_that_changes_many_settings_and_is_tried_again_is_told_of_once(
    backend: Backend,
) -> None:
    run_id = run(backend, settings.changing, way="new variable", how="raises")

    assert warnings_of(backend, run_id) == [
        ("Settings that the step change changed were restored after it: os.environ (HTTP_PROXY).")
    ]


def test_what_cannot_be_set_back_is_told_and_spends_the_process(backend: Backend) -> None:
    run_id = run(backend, settings.unrecoverable)

    [told] = warnings_of(backend, run_id)
    assert told == (
        "Settings that the step leave_for_good changed couldn't be restored: the working "
        "directory. Once the run is released, another process will replace this one."
    )
    assert backend.spent_by() == (
        "the step leave_for_good changed settings that couldn't be restored: the working directory"
    )
