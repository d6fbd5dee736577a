"""Evidence that differs on a replay: refused, unless its author names what may differ."""

from typing import Any

from procedures.engine import procedure
from procedures.engine.journal.events import EventKind, RunStatus
from tests import procedures
from tests.conformance.backends import Backend, answer, result_of
from tests.procedures import saw
from tests.procedures.readings import clock


def logs(backend: Backend, run_id: str) -> list[dict[str, Any]]:
    return [one.content for one in backend.events(run_id) if one.kind == EventKind.LOG]


def test_volatile_evidence_counts_as_it_was_shown(backend: Backend) -> None:
    run_id = backend.start(procedures.volatile_evidence)
    backend.advance(run_id)
    [shown] = [one.content["evidence"] for one in backend.events(run_id) if one.key == "approve"]
    answer(backend, run_id, "approve")
    backend.advance(run_id)
    answer(backend, run_id, "approve#2")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    assert result_of(backend, run_id) is True
    assert saw == [shown] * 2
    warnings = logs(backend, run_id)
    assert [one["level"] for one in warnings] == ["warning"] * 2
    assert warnings[0]["text"].startswith(
        'The evidence of approve has changed since people saw it: source.read_at was "12:'
    )


def test_evidence_that_moves_is_told_with_both_values_and_the_remedy(backend: Backend) -> None:
    run_id = backend.start(procedures.moving_evidence)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.QUARANTINED

    error = backend.error(run_id)
    assert error
    words = error["message"]
    [opened] = [one for one in backend.events(run_id) if one.kind == EventKind.WAIT_OPENED]
    shown = opened.content["evidence"]["source"]["read_at"]
    assert f'evidence.source.read_at was "{shown}" and is now "12:' in words
    assert "Take times from ctx.now()" in words
    assert "volatile=" in words
    assert "stock" not in words


def test_an_operator_has_it_asked_again_and_the_old_answer_serves_nothing(
    backend: Backend,
) -> None:
    run_id = backend.start(procedures.moving_evidence)
    backend.advance(run_id)
    answer(backend, run_id, "approve")
    backend.advance(run_id)

    backend.override(run_id)
    status = backend.advance(run_id)

    assert status == RunStatus.WAITING
    assert list(backend.open_waits(run_id)) == ["approve"]
    shown = [
        one.content["evidence"]["source"]["read_at"]
        for one in backend.events(run_id)
        if one.kind == EventKind.WAIT_OPENED
    ]
    assert len(set(shown)) == 2


def test_metadata_may_differ_and_is_kept(backend: Backend) -> None:
    run_id = backend.start(procedures.moving_metadata)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.SUCCEEDED

    [opened] = [one for one in backend.events(run_id) if one.kind == EventKind.WAIT_OPENED]
    assert opened.content["metadata"]["stock"] == 5
    assert logs(backend, run_id) == []


def test_an_approval_never_serves_an_act_that_was_not_shown(backend: Backend) -> None:
    run_id = backend.start(procedures.volatile_act)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id) == RunStatus.WAITING

    assert list(backend.open_waits(run_id)) == ["approval"]


@procedure(name="volatile_evidence")
def no_longer_volatile(ctx: Any) -> bool:
    return bool(ctx.approve("Order more?", evidence={"stock": next(clock)}))


def test_what_may_differ_is_part_of_the_question(backend: Backend) -> None:
    run_id = backend.start(procedures.volatile_evidence)
    backend.advance(run_id)
    answer(backend, run_id, "approve")

    assert backend.advance(run_id, no_longer_volatile) == RunStatus.QUARANTINED
