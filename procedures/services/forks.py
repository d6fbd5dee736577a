"""New runs that restart or fork earlier runs. The earlier runs aren't changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q

from procedures.engine.declaration.subjects import subject_of
from procedures.engine.journal.events import NewEvent
from procedures.engine.journal.large import inputs_of, put_aside, whole
from procedures.engine.lifecycle import fork as forks
from procedures.engine.lifecycle.start import begin_run
from procedures.engine.replay.history import FORK, LONGEST_KEY
from procedures.engine.values import canonical
from procedures.engine.values.attachments import files_in
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore
from procedures.journal import DatabaseStore
from procedures.models import Run
from procedures.services.operations import log_operation, operation_payload
from procedures.services.reach import check_reach
from procedures.services.runs import Start
from procedures.services.startable import find_startable
from procedures.users import User


def restart_run(
    run_id: UUID,
    *,
    by: User,
    reason: str,
    inputs: Mapping[str, Any] | None = None,
    idempotency_key: str = "",
    program: str = "",
) -> tuple[Run, bool]:
    """Start a new run with the inputs of another run, whatever the other run's status is.

    `inputs` maps names to values that replace inputs of the other run. The new run uses the current
    code, is started by `by`, and takes over nothing else. `program` is the name of the API token if
    a program starts the run. Returns the new run and True. If `by` has used this idempotency key
    for this procedure before, returns the run started then, and False.
    """
    origin = Run.objects.select_related("procedure").get(pk=run_id)
    found = find_startable(
        origin.procedure.name, by=by, idempotency_key=idempotency_key, program=program
    )
    with use_file_store(ContentStore(with_uploads=True)):
        parsed = found.definition.revise(whole(origin.inputs), inputs or {})
        text = found.definition.dump(parsed)
        webhook = check_reach(found.definition, parsed, by=by)
        subject = subject_of(found.definition.subject, text)
        sent = [*files_in(parsed)]
        start = Start(found, put_aside(text), subject, origin, files=sent, webhook=webhook)
    note = _note("restart", origin, by=by, reason=reason, changed_inputs=sorted(inputs or ()))

    def write(run: Run) -> None:
        files = [*sent, *_files_of(origin, text)]
        begin_run(DatabaseStore(run.created_at), run, note, files=files)
        log_operation(origin, note.data, by=by)

    return start.begin(write)


@dataclass(frozen=True)
class ForkPoint:
    """The position in a run at which a fork branches off, and what the fork changes."""

    at: str
    """The key of a step, wait, child or gather ("load_order#2"), or the number of one of its events
    ("17")."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The values of inputs that the fork changes, keyed by the input's name."""
    keep_answers: bool = True
    """True to ask people only questions that have changed; False to ask all questions again."""


def fork_run(
    run_id: UUID,
    parting: ForkPoint,
    *,
    by: User,
    reason: str,
    idempotency_key: str = "",
    program: str = "",
) -> tuple[Run, bool]:
    """Start a run that branches off at a step or wait of another run.

    Everything that the other run did before this step or wait is copied and isn't repeated.
    Compensations for the copied steps aren't copied: only the other run calls them. `program` is
    the name of the API token if a program starts the fork. Returns the new run and True. If `by`
    has used this idempotency key for this procedure before, returns the run started then, and
    False. Raises `InputError` if the inputs name people or a webhook that `by` may not reach.
    """
    origin = Run.objects.select_related("procedure").get(pk=run_id)
    found = find_startable(
        origin.procedure.name, by=by, idempotency_key=idempotency_key, program=program
    )
    at, until = _parted(origin, parting.at)
    taken = forks.events_taken_over(DatabaseStore(), origin, until)
    carried = forks.carried(taken, at, keep_answers=parting.keep_answers)
    note = _note(
        FORK,
        origin,
        by=by,
        reason=reason,
        at=at,
        changed_inputs=sorted(parting.inputs),
        keep_answers=parting.keep_answers,
        again=carried.again,
    )
    # Files are stored before the transaction, because writing them takes long. A file without a row
    # does no harm.
    with use_file_store(ContentStore(with_uploads=True)):
        first = next(forks.events_taken_over(DatabaseStore(), origin, until))
        text, given = inputs_of(first, origin.inputs), list[File]()
        parsed = canonical.plain(text)
        if parting.inputs:
            parsed = found.definition.revise(text, parting.inputs)
            text, given = found.definition.dump(parsed), [*files_in(parsed)]
        # This is checked even if the inputs are unchanged, because the forker may reach fewer
        # people than the starter of the origin.
        webhook = check_reach(found.definition, parsed, by=by)
        kept = put_aside(text)

    def write(run: Run) -> None:
        store, files = DatabaseStore(run.created_at), [*given, *_files_of(origin, text)]
        fork = forks.Fork(origin, until, carried, inputs=text, by=run.starter)
        forks.begin_fork(store, run, fork, note, files=files)
        log_operation(origin, note.data, by=by)

    subject = subject_of(found.definition.subject, text)
    start = Start(
        found,
        kept,
        subject,
        origin,
        files=given,
        forked_at=at,
        seed=origin.seed,
        webhook=webhook,
    )
    return start.begin(write)


def _note(action: str, origin: Run, *, by: User, reason: str, **more: Any) -> NewEvent:
    payload = operation_payload(action, by=by, reason=reason)
    return forks.note_of({**payload, "from": str(origin.pk), **more})


def _parted(origin: Run, at: str) -> tuple[str, int]:
    """Return the key of the step or wait at which the fork begins, and its first event's number."""
    if len(at) > LONGEST_KEY:
        raise forks.UnknownPlaceError(f"{at[:60]}…")
    events = origin.events.filter(seq__gt=origin.base_seq)
    # A step may be called "12", so the name is tried before the number.
    if at.isdecimal() and not events.filter(key=at).exists():
        named = events.filter(seq=int(at)).values_list("key", flat=True).first()
        at = named or at
    of_it = events.filter(Q(key=at) | Q(key__startswith=f"{at}/")).order_by("seq")
    first = forks.first_of(DatabaseStore(), origin, of_it.streamed(), at)
    return at, first.seq


def _files_of(run: Run, text: str) -> list[File]:
    """Return the run's files whose digests occur in the text, which holds inputs as JSON."""
    return [file for file in DatabaseStore().files_of(run) if file.digest in text]
