"""The rules that a request and its run must follow once a race for the request is over."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from chat.models import HumanRequest
from chat.services import Answer, respond
from procedures.engine.errors import EngineError
from procedures.engine.journal.events import EventKind, RunStatus
from procedures.engine.values.canonical import plain
from procedures.models import Run
from procedures.models.clock import clock
from procedures.runner import advance_run
from procedures.services import sweep
from procedures.services.ledger import examine
from tests.races.scenes import LIMIT, UNDO, Scene

BY_TIME = {"sweep", "again", "clock", "too"}
"""The acts of the clock."""
TOLD = re.compile(
    r"\w+ has (already answered|sent|claimed) this"
    r"|The deadline of this request has passed|This request was withdrawn\."
    r"|It's too late to undo|nothing to undo|The values of this request have been changed"
)
"""The message for somebody who was too slow."""
DECIDED = {"approved", "rejected", "changes_requested"}


def untold(scene: Scene, acts: int) -> Iterator[str]:
    """Yield whoever wasn't accepted, and wasn't told either who or what was faster."""
    if len(scene.done) + len(scene.refused) != acts:
        yield f"{scene.done} were accepted, and only {scene.refused} were told"
    for words in scene.refused:
        if not TOLD.search(words):
            yield f"somebody who was too slow is told only: {words}"


def faults(scene: Scene, winners: int | None, final: Any) -> Iterator[str]:
    """The broken rules, once all time has passed and somebody has answered what is left."""
    won = [what for what in scene.done if what not in BY_TIME]
    if winners is not None and len(won) != winners:
        yield f"{won} were accepted; refused: {scene.refused}"
    _finish(scene, final)
    run = Run.objects.get(pk=scene.request.wait.run_id)
    asked = HumanRequest.objects.select_related("wait").get(pk=scene.request.pk)
    if run.status not in {RunStatus.SUCCEEDED, RunStatus.CANCELLED}:
        yield f"the run is {run.status}: {run.error}"
    if asked.is_open or asked.effective_at or asked.wait.is_open:
        yield f"the request is {asked.status}, effective at {asked.effective_at}"
    events = run.events.filter(kind=EventKind.WAIT_CLOSED, key=asked.wait.key)
    if events.count() > 1 or (run.status == RunStatus.SUCCEEDED and not events):
        yield f"its wait was closed {events.count()} times"
    yield from _outcome_faults(asked, events.first())
    yield from _value_faults(asked, run)
    yield from examine(run).faults


def _outcome_faults(asked: HumanRequest, closed: Any) -> Iterator[str]:
    counted = asked.responses.filter(undone_at=None, is_used=True)
    if closed is None or asked.outcome not in DECIDED:
        if counted.exists() and asked.quorum == 1:
            yield f"an answer counts, and the request is {asked.outcome}"
        return
    if closed.content["outcome"] != asked.outcome:
        yield f"the journal says {closed.content['outcome']}, the request {asked.outcome}"
    if asked.quorum == 1 and counted.count() != 1:
        yield f"{counted.count()} answers count"


def _value_faults(asked: HumanRequest, run: Run) -> Iterator[str]:
    """Yield what ran without the approval of all the people whose votes count."""
    if asked.outcome != "edited":
        return
    votes = asked.responses.filter(undone_at=None, is_used=True)
    _, done, people = plain(run.result or "null")
    if len(people) != asked.quorum or {one.user.get_username() for one in votes} != {*people}:
        yield f"the votes of {people} count for the run, and others for the request"
    if stale := [
        one for one in votes if f"{one.plain_value['values']['parcels']} parcels" not in done
    ]:
        yield f"{done} ran, and {stale[0].user.get_username()} approved other values"


def _finish(scene: Scene, final: Any) -> None:
    """Let all time pass, and let people answer what is still open."""
    run_id = scene.request.wait.run_id
    clock.ahead += LIMIT
    sweep()
    for who in range(len(scene.people)):
        scene.request.refresh_from_db()
        if not scene.request.is_open:
            break
        try:
            scene.say(who, value=final)
        except EngineError as refusal:
            scene.refused.append(str(refusal))
    clock.ahead += UNDO + timedelta(seconds=1)
    sweep()
    advance_run(run_id)
    _answer_the_next(scene)


def _answer_the_next(scene: Scene) -> None:
    """Answer what the run asks because somebody sent it back, until it is held no more."""
    run_id = scene.request.wait.run_id
    asked = HumanRequest.objects.open().filter(wait__run=run_id).exclude(pk=scene.request.pk)
    for request in asked:
        for person in scene.people[: request.quorum]:
            respond(request.pk, Answer(value=True), by=person)
    advance_run(run_id)
