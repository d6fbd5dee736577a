"""Functions that start runs."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import IntegrityError

from procedures import registry
from procedures.engine.declaration.subjects import subject_of
from procedures.engine.errors import EngineError
from procedures.engine.journal.large import is_same, put_aside
from procedures.engine.lifecycle.start import begin_run
from procedures.engine.values.attachments import files_in
from procedures.engine.values.files import File, use_file_store
from procedures.files import ContentStore, keep_uploads
from procedures.journal import DatabaseStore
from procedures.models import Run
from procedures.services.lost_files import lost_files_as_faults
from procedures.services.reach import check_reach
from procedures.services.startable import Startable, find_startable
from procedures.transactions import service_atomic
from procedures.users import User


class KeyReusedError(EngineError):
    """An idempotency key was reused with other inputs."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The key {key!r} was already used with other inputs. Use a new key.")


def start_run(
    name: str,
    inputs: Mapping[str, Any],
    *,
    by: User | None,
    idempotency_key: str = "",
    place: object = None,
) -> tuple[Run, bool]:
    """Start a run, and return it with True.

    If the same person has used this idempotency key for this procedure before, returns the run that
    was started then, and False. `place` is an object of a higher layer, such as a chat session,
    that says where the run was started; it is passed to the receivers of `hooks.run_started`.
    """
    found = find_startable(name, by=by, idempotency_key=idempotency_key)
    started = start_found(found, inputs, place=place)
    return started.run, started.is_new


class Started(NamedTuple):
    """A run that was just started, or the earlier run with the same idempotency key."""

    run: Run
    is_new: bool
    files: list[File]
    """The files among the inputs."""


def start_found(found: Startable, inputs: Mapping[str, Any], *, place: object = None) -> Started:
    """Start a run of a procedure that `find_startable` has returned.

    If the idempotency key was used before, returns the earlier run, as `start_run` does.
    """
    definition = found.definition
    with lost_files_as_faults(inputs):
        with use_file_store(ContentStore(with_uploads=True)):
            parsed = definition.parse(inputs)
            webhook = check_reach(definition, parsed, by=found.by)
            whole, files = definition.dump(parsed), [*files_in(parsed)]
            text = put_aside(whole)

        def write(run: Run) -> None:
            begin_run(DatabaseStore(run.created_at, place=place), run, files=files)

        subject = subject_of(definition.subject, whole)
        start = Start(found, text, subject, files=files, webhook=webhook)
        return Started(*start.begin(write), files)


@dataclass(frozen=True)
class Start:
    """A run to be started: its procedure, the person who starts it, and its inputs."""

    found: Startable
    inputs: str
    """The inputs as JSON, or a reference to the file store if they are large."""
    subject: str
    origin: Run | None = None
    files: Sequence[File] = ()
    """The files among the inputs; their contents are stored permanently before the run is made."""
    forked_at: str = ""
    webhook: str = ""
    seed: str = field(default_factory=lambda: secrets.token_hex(16))

    def begin(self, write: Callable[[Run], None]) -> tuple[Run, bool]:
        """Start the run and return it with True.

        If the idempotency key was used before, returns the earlier run and False. `write` inserts
        the run and the rows of its files. Raises `FileGoneError` if a file isn't stored any more.
        """
        # This comes before the quota: a repeated request starts nothing, and must return the
        # earlier run even at the limit.
        if self.found.earlier and (run := self._earlier()):
            return run, False
        self.found.quota.check()
        # Files are stored before the transaction, because on SQLite its lock would keep all others
        # from writing meanwhile.
        keep_uploads(self.files)
        try:
            return self._make(write), True
        # If two requests with one key arrive at once, the database's constraint admits one, and the
        # other finds the run that the first one has started.
        except IntegrityError:
            if run := self._earlier():
                return run, False
            raise

    @service_atomic
    def _make(self, write: Callable[[Run], None]) -> Run:
        found = self.found
        if self.origin:
            # The origin's record may have been removed since it was read. While it is locked, it
            # can't be.
            Run.objects.lock(self.origin.pk)
        # The version is registered in the same transaction, so that no worker gets a run whose
        # version it can't look up.
        version = found.version or registry.register(found.definition)
        run = Run(
            procedure=version.procedure,
            version=version,
            started_by=found.by,
            program=found.program,
            webhook=self.webhook,
            inputs=self.inputs,
            subject=self.subject,
            seed=self.seed,
            idempotency_key=found.idempotency_key,
            created_at=found.at,
            origin=self.origin,
            forked_at=self.forked_at,
        )
        write(run)
        return run

    def _earlier(self) -> Run | None:
        found = self.found
        if not found.idempotency_key:
            return None
        of_key = Run.objects.filter(started_by=found.by, idempotency_key=found.idempotency_key)
        run = of_key.filter(procedure__name=found.definition.name).first()
        if run and not self._is_of(run):
            raise KeyReusedError(found.idempotency_key)
        return run

    def _is_of(self, run: Run) -> bool:
        is_of_origin = (run.origin, run.forked_at) == (self.origin, self.forked_at)
        return is_of_origin and is_same(run.inputs, self.inputs)
