"""Receivers of the hooks of runs, which update sessions and requests in the run's transaction."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db.models.signals import post_delete, pre_delete

from chat.access import reads_all_of, visible_requests, visible_sessions
from chat.assignments import Find, assign, find_for_program
from chat.channels.answers import Answer
from chat.channels.planning import drop_unsent, notification_time, plan_alert, plan_report
from chat.channels.taking_back import plan_taking_back
from chat.doorbell import doorbell
from chat.models import HumanRequest, Message, Session
from chat.models.closing import close_request, hold_request, release_request
from chat.models.gists import gist_of
from chat.models.moments import plan_moments
from chat.models.session import record, record_run, session_of
from chat.services.erasure import (
    contents_in_chat,
    erase,
    reasons_in_chat,
    rows_removed_with,
    runs_that_concern,
    runs_that_need_others,
)
from chat.services.heard import mark_read, mark_unread
from chat.services.ledger import differences, unowned
from chat.services.responses import respond
from chat.services.standing_answers import answer_by_standing_decisions
from chat.services.starts import StartPlace, join_session
from chat.services.voting import shortage
from procedures import hooks
from procedures.engine.kinds.conditions import RISKS
from procedures.engine.kinds.questions import Question
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.library import JOBS, OUTSIDE
from procedures.models import Run, Wait
from procedures.users import User

LONGEST_TITLE = 200


def connect() -> None:
    hooks.run_started.connect(open_session)
    hooks.wait_opened.connect(show_request)
    hooks.repeatable_opened.connect(answer_in_advance)
    hooks.wait_closed.connect(record_close)
    hooks.wait_held.connect(record_hold)
    hooks.wait_released.connect(record_release)
    hooks.notice.connect(say)
    hooks.messages_read.connect(record_read)
    hooks.run_ended.connect(record_end)
    hooks.site_confirmed.connect(forget_notifications)
    hooks.open_requests.append(open_requests_of)
    hooks.answers.append(answer_request)
    hooks.changed.append(ring_for_run)
    hooks.examined.append(differences)
    hooks.examined_site.append(unowned)
    hooks.names_files.append(have_files)
    hooks.keeps.append(reasons_in_chat)
    hooks.needs.append(runs_that_need_others)
    hooks.concerns.append(runs_that_concern)
    hooks.removals.append(erase)
    hooks.counted.append(rows_removed_with)
    hooks.content_users.append(contents_in_chat)
    for model in (User, Group):
        post_delete.connect(mark_unasked, sender=model)
    pre_delete.connect(keep_name, sender=User)


def mark_unasked(**_: Any) -> None:
    """Mark the open requests that ask nobody any more, because a user or group was deleted.

    The database itself has deleted the assignments to that user or group, so Django has sent no
    signals for them.
    """
    HumanRequest.objects.all().mark_unasked()


def keep_name(instance: User, **_: Any) -> None:
    """Keep a deleted user's name in the transcript entries that say who was invited or removed."""
    for line in Message.objects.filter(person=instance).select_related("person"):
        line.forget_person()


def have_files() -> bool:
    """Return True if any message has a file, so that the site's file store isn't empty."""
    return Message.objects.with_files().exists()


def open_requests_of(run: Run, user: User, most: int) -> list[dict[str, Any]]:
    """Return the run's open requests that the user may see, oldest first."""
    found = visible_requests(user).open().filter(wait__run=run).select_related("wait")
    shown = found.prefetch_related("assignments__user", "assignments__group").order_by("pk")[:most]
    return [
        {
            "id": one.pk,
            "key": one.wait.key,
            "kind": one.kind,
            "prompt": one.prompt,
            "assigned": [str(assignment) for assignment in one.assignments.all()],
            "due_at": one.wait.due_at,
        }
        for one in shown.defer("question")
    ]


def answer_request(request_id: UUID, user: User, value: Any, comment: str) -> None:
    """Answer a request on behalf of the user; called for programs that the site itself runs."""
    respond(request_id, Answer(value, comment), by=user)


def forget_notifications(held_at: datetime, **_: Any) -> None:
    """Drop the notifications of a copied site that were unsent at the time `held_at`.

    The original site may have sent these notifications.
    """
    drop_unsent(before=held_at)


def open_session(run: Run, files: Sequence[File], place: object = None, **_: Any) -> None:
    """Open a session for a new run, or post the run's card in an existing session.

    A run that a person started in a session joins that session, `place`. A child run joins its
    parent's session; children of a map get no card. A run that restarts or forks an earlier run
    joins the earlier run's session if the person who started the new run may see that session. That
    person doesn't become a member, because somebody who may see only one run of a session must not
    be able to read the whole session. A run of a job that the clock starts joins the session of the
    job's previous run.
    """
    now = run.created_at
    if isinstance(place, StartPlace):
        join_session(run, place)
        return
    if above := run.parent_wait:
        if above.kind == Wait.Kind.CHILD:
            card = Message(kind=Message.Kind.RUN, run=run, author=run.started_by, at=now)
            card.add_to(session_of(run))
        return
    card = Message(kind=Message.Kind.RUN, run=run, author=run.started_by, at=now)
    session = session_of_job(run) or session_of_origin(run)
    if session is None:
        card.open_session(title_of(run, files))
        return
    card.add_to(session.pk)


def session_of_job(run: Run) -> Session | None:
    """Return the session of the last run of this job, if the clock has started both, else None.

    Otherwise, a job that is started every day would fill the list of sessions.
    """
    if run.started_by_id or run.procedure.name not in JOBS:
        return None
    others = Run.objects.filter(procedure=run.procedure, started_by=None, parent_wait=None)
    before = others.exclude(pk=run.pk).order_by("-pk").first()
    return Session.objects.filter(pk=session_of(before)).first() if before else None


def session_of_origin(run: Run) -> Session | None:
    """Return the session of the run's origin, or None if the run must not join that session.

    The person who started the run must be allowed to see the session. If the origin is a child run,
    its session is the parent's session, and the person must be allowed to read all of that session.
    """
    if run.origin is None or run.started_by is None:
        return None
    session = session_of(run.origin)
    if run.origin.parent_wait_id and not reads_all_of(run.started_by, [session]):
        return None
    return visible_sessions(run.started_by).filter(pk=session).first()


def title_of(run: Run, files: Sequence[File]) -> str:
    """Return the run's subject; without a subject, the procedure's title and the first file's name.

    The title contains no time, because pages show the time beside the title, in the reader's time
    zone.
    """
    title = run.procedure.title
    return run.subject or (f"{title} · {files[0].name}" if files else title)[:LONGEST_TITLE]


def show_request(run: Run, wait: Wait, content: dict[str, Any], at: datetime, **_: Any) -> None:
    if wait.kind != Wait.Kind.REQUEST:
        return
    question, session = Question.from_json(content), session_of(run)
    request = HumanRequest(
        wait=wait,
        session_id=session,
        kind=question.kind,
        prompt=question.prompt,
        question=canonical.text_of(question.as_json()),
        opened_at=at,
        notify_at=notification_time(at),
        four_eyes=question.four_eyes,
        quorum=question.quorum,
        risk=question.risk,
        rank=RISKS.index(question.risk),
        gist=gist_of(question),
    )
    plan_moments(request, question)
    assignments, note = assign(question.assign, run.procedure_id, find=_way_to_find(run))
    request.note = f"{note} {shortage(assignments, run=run, question=question)}".strip()
    # The request is inserted before its message, which refers to it and takes the last of all
    # locks, that of the session.
    request.insert(assignments)
    Message(kind=Message.Kind.REQUEST, run=run, request=request, at=at).add_to(session)


def _way_to_find(run: Run) -> Find | None:
    """Return the function that finds assignees for an outside program's run; None for other runs.

    It finds only assignees whom the procedure may ask.
    """
    if not run.started_by_id or run.procedure.name not in OUTSIDE:
        return None
    return partial(find_for_program, procedure=run.procedure.name)


def answer_in_advance(run: Run, waits: Sequence[Wait], at: datetime, **_: Any) -> None:
    answer_by_standing_decisions(run, waits, at)


def record_close(
    run: Run, wait: Wait, content: dict[str, Any], *, was_held: bool, **_: Any
) -> None:
    if wait.kind != Wait.Kind.REQUEST:
        return
    assert wait.closed_at
    changed = close_request(wait, content, at=wait.closed_at, was_held=was_held)
    record(changed.session, "request", changed.request, whom=changed.whom)
    plan_report(run, now=wait.closed_at, request=wait.request)
    plan_taking_back(wait.request, now=wait.closed_at)


def record_hold(wait: Wait, content: dict[str, Any], at: datetime, **_: Any) -> None:
    changed = hold_request(wait, content, at=at)
    record(changed.session, "request", changed.request, whom=changed.whom)


def record_release(wait: Wait, **_: Any) -> None:
    changed = release_request(wait)
    record(changed.session, "request", changed.request, whom=changed.whom)


def say(run: Run, text: str, level: str, details: str, at: datetime, **_: Any) -> None:
    """Post a notice in the run's session; if the notice is an alert, `level` is its severity."""
    notice = Message(run=run, text=text, level=level, details=details, at=at)
    notice.kind = Message.Kind.NOTICE
    notice.add_to(session_of(run))
    plan_alert(notice, now=at)


def record_read(run: Run, ids: Sequence[str], at: datetime, **_: Any) -> None:
    mark_read(run, ids, at)


def record_end(run: Run, **_: Any) -> None:
    assert run.ended_at
    plan_report(run, now=run.ended_at)
    mark_unread(run)
    if run.parent_wait and run.parent_wait.kind != Wait.Kind.CHILD:
        return
    record_run(run)


def ring_for_run(run_id: str) -> None:
    doorbell.ring(f"run:{run_id}")
