"""Django's tables under the engine, on the database that TEST_DATABASE names."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import transaction

from procedures.conf import conf
from procedures.engine import Procedure
from procedures.engine.execute import advance
from procedures.engine.journal.events import Event, RunStatus
from procedures.engine.values import canonical
from procedures.engine.values.files import File, use_file_store
from procedures.files import FOLDER, ContentStore, path_of
from procedures.journal import DatabaseJournal, claim
from procedures.models import Run
from procedures.models.clock import clock
from procedures.models.ids import uuid7
from procedures.registry import find
from procedures.services import (
    ForkPoint,
    Sent,
    TooLateError,
    WaitClosedError,
    cancel_run,
    force_end_run,
    fork_run,
    hold_locked,
    override_run,
    pause_run,
    resolve_wait,
    retry_run,
    send_signal,
    start_run,
    sweep,
    undo_locked,
    unpause_run,
)
from procedures.services.inbox import MessageToRun, write_locked
from procedures.slot import slot


class DatabaseBackend:
    """Runs in the database, carried on by the test itself: no worker, no clock process."""

    ledger_key = conf.LEDGER_KEY.encode()

    def __init__(self) -> None:
        slot.spent_by = ""  # by an earlier test in this process

    def start(self, procedure: Procedure, **inputs: Any) -> str:
        run, _is_new = start_run(procedure.name, inputs, by=None)
        return str(run.pk)

    def claim(self, run_id: str) -> DatabaseJournal | None:
        return claim(UUID(run_id))

    def advance(self, run_id: str, code: Procedure | None = None) -> RunStatus:
        code = code or find(self._run(run_id).procedure.name)
        assert code
        if journal := self.claim(run_id):
            advance(code, journal, ContentStore())
        return self.status(run_id)

    def resolve(self, run_id: str, key: str, content: Mapping[str, Any]) -> bool:
        wait = self._run(run_id).waits.filter(key=key).last()
        if wait is None:
            return False
        try:
            with transaction.atomic():
                resolve_wait(wait, dict(content), at=clock.now())
        except WaitClosedError:
            return False
        return True

    def hold(self, run_id: str, key: str, content: Mapping[str, Any], length: timedelta) -> bool:
        with transaction.atomic():
            run = Run.objects.lock(UUID(run_id))
            wait = run.waits.filter(key=key).last()
            if wait is None or not wait.is_undecided:
                return False
            now = clock.now()
            hold_locked(run, wait, dict(content), at=now, until=now + length)
        return True

    def undo(self, run_id: str, key: str) -> bool:
        with transaction.atomic():
            run = Run.objects.lock(UUID(run_id))
            wait = run.waits.filter(key=key).last()
            try:
                undo_locked(run, wait, at=clock.now()) if wait else None
            except TooLateError:
                return False
        return wait is not None

    def advance_all(self) -> None:
        while queued := [str(run.pk) for run in Run.objects.queued().order_by("pk")]:
            for run_id in queued:
                self.advance(run_id)

    def signal(self, run_id: str, name: str, value: Any, signal_id: str) -> bool:
        sent = Sent(name, signal_id, value)
        return send_signal(UUID(run_id), sent, by=_person("bob"))[1]

    def write(self, run_id: str, text: str, *, steers: bool = False) -> None:
        with transaction.atomic():
            write_locked(UUID(run_id), MessageToRun(str(uuid7()), text, steers), by=_person("bob"))

    def cancel(self, run_id: str) -> None:
        cancel_run(UUID(run_id), by=_person("dave"), reason="Enough.")

    def force_end(self, run_id: str) -> None:
        force_end_run(UUID(run_id), by=_person("dave"), reason="At once.")

    def pause(self, run_id: str) -> None:
        pause_run(UUID(run_id), by=_person("dave"), reason="Wait.")

    def unpause(self, run_id: str) -> None:
        unpause_run(UUID(run_id), by=_person("dave"), reason="Now.")

    def retry(self, run_id: str) -> None:
        retry_run(UUID(run_id), by=_person("dave"), reason="Mended.")

    def override(self, run_id: str) -> None:
        override_run(UUID(run_id), by=_person("dave"), reason="So it is.")

    def fork(self, run_id: str, at: str, *, keep_answers: bool = True, **inputs: Any) -> str:
        parting = ForkPoint(at, inputs, keep_answers)
        run, _is_new = fork_run(UUID(run_id), parting, by=_person("dave"), reason="Otherwise.")
        return str(run.pk)

    def children(self, run_id: str) -> list[str]:
        below = Run.objects.filter(parent_wait__run=UUID(run_id))
        return [str(key) for key in below.order_by("pk").values_list("pk", flat=True)]

    def travel(self, length: timedelta) -> None:
        clock.ahead += length
        sweep()

    def pass_time(self, length: timedelta) -> None:
        clock.ahead += length

    def lose_lease(self, run_id: str) -> None:
        Run.objects.filter(pk=run_id).update(leased_until=clock.now() - timedelta(seconds=1))

    def status(self, run_id: str) -> RunStatus:
        return RunStatus(self._run(run_id).status)

    def events(self, run_id: str) -> list[Event]:
        return self._run(run_id).events.journal()

    def open_waits(self, run_id: str) -> Collection[str]:
        return list(self._run(run_id).waits.open().values_list("key", flat=True))

    def result(self, run_id: str) -> str | None:
        return self._run(run_id).result

    def error(self, run_id: str) -> Mapping[str, Any] | None:
        error = self._run(run_id).error
        return canonical.plain(error) if error else None

    def files(self, run_id: str) -> Mapping[str, bytes]:
        store = ContentStore()
        return {file.name: store.get(file.digest) for file in self._run(run_id).artifacts.all()}

    def keep(self, content: bytes) -> File:
        with use_file_store(ContentStore()):
            return File.store("given.txt", content)

    @contextmanager
    def files_away(self) -> Iterator[None]:
        """Something else stands where the files were."""
        folder = Path(default_storage.path(FOLDER))
        away = folder.with_name("away")
        folder.mkdir(parents=True, exist_ok=True)
        folder.rename(away)
        folder.touch()
        yield
        folder.unlink()
        away.rename(folder)

    @contextmanager
    def file_gone(self, digest: str) -> Iterator[None]:
        path = Path(default_storage.path(path_of(digest)))
        content = path.read_bytes()
        path.unlink()
        yield
        path.write_bytes(content)

    @contextmanager
    def stopping(self) -> Iterator[None]:
        slot.is_stopping = True
        yield
        slot.is_stopping = False

    def spent_by(self) -> str:
        why, slot.spent_by = slot.spent_by, ""
        return why

    def _run(self, run_id: str) -> Run:
        return Run.objects.get(pk=run_id)


def _person(name: str) -> User:
    return User.objects.get_or_create(username=name, defaults={"is_superuser": True})[0]
