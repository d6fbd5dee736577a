"""The engine's store over the database's rows, for one transaction."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from procedures import dispatch
from procedures.engine.errors import CommitRefused
from procedures.engine.store import Store
from procedures.engine.values.files import use_file_store
from procedures.files import ContentStore
from procedures.journal.run_rows import RunRows
from procedures.journal.storage import receivers
from procedures.journal.wait_rows import WaitRows
from procedures.models import ProcedureVersion, Run, Wait
from procedures.models.ids import uuid7
from procedures.transactions import engine_atomic


def in_transaction(act: Callable[[Store], bool]) -> bool:
    """Call `act` with a store in a new transaction, and return the result of `act`."""
    with engine_atomic:
        return act(DatabaseStore())


def _repeat(act: Callable[[Store], bool]) -> None:
    # Each call has its own transaction, so that a map of thousands of children holds no lock for
    # long.
    while in_transaction(act):
        pass


class DatabaseStore(RunRows, WaitRows):
    """The engine's store over the database's rows, for one transaction."""

    def regardless(self) -> "DatabaseStore":
        return DatabaseStore(self.now, is_forced=True)

    def savepoint(self) -> AbstractContextManager[None]:
        return _savepoint()

    def use_files(self) -> AbstractContextManager[None]:
        return use_file_store(ContentStore())

    def after_commit(self, act: Callable[[Store], bool]) -> None:
        # Robust, because the commit is done: an error here must not look to the caller as if
        # nothing had been stored. The sweep repeats the work. A function, not a partial, because
        # Django's log names it.
        transaction.on_commit(lambda: _repeat(act), robust=True)

    def call_workers(self, _run: Run) -> None:
        dispatch.call_workers()

    # Children

    def code_for(self, run: Run, procedure: str) -> ProcedureVersion:
        return _version_for(run, procedure)

    def new_child(
        self, run: Run, wait: Wait, code: ProcedureVersion, number: int, *, inputs: str, run_id: str
    ) -> Run:
        return Run(
            id=UUID(run_id) if run_id else uuid7(),
            procedure=code.procedure,
            version=code,
            started_by=run.started_by,
            program=run.program,
            inputs=inputs,
            seed=secrets.token_hex(16),
            created_at=self.now,
            parent_wait=wait,
            parent_number=number,
            depth=run.depth + 1,
        )

    def children(self, wait: Wait) -> list[Run]:
        return list(wait.children.order_by("pk"))

    def children_alive(self, wait: Wait) -> list[Run]:
        left = wait.children.unended().filter(cancel_requested_at=None)
        return list(left.order_by("pk"))

    def has_children(self, wait: Wait) -> bool:
        return wait.children.exists()

    def numbers_of(self, wait: Wait, status: str) -> tuple[set[int], set[int]]:
        children = wait.children.order_by()
        done = children.filter(status=status).values("parent_number").distinct()
        left = children.exclude(parent_number__in=done)
        return (
            set(done.values_list("parent_number", flat=True)),
            set(left.values_list("parent_number", flat=True)),
        )

    def newest_without(self, wait: Wait, status: str) -> list[Run]:
        return list(wait.newest_without(status))

    def left_at_end(self, run: Run, _kind: str) -> tuple[bool, bool]:
        return run.left_at_end()


@contextmanager
def _savepoint() -> Iterator[None]:
    # The savepoint is outside: the changes of a receiver that refuses are rolled back to here, and
    # the claim around it continues.
    with transaction.atomic(), receivers():
        yield


def _version_for(run: Run, procedure: str) -> ProcedureVersion:
    """Return the version of a procedure's code with which a new child of the run begins.

    If the run's own code is from a file that also has this procedure, the child gets the version in
    the same text of the file. Otherwise it gets the version that was registered last.
    """
    own = ProcedureVersion.objects.filter(pk=run.version_id).exclude(file="")
    versions = ProcedureVersion.objects.filter(procedure__name=procedure)
    is_of_one_text = Exists(own.filter(file=OuterRef("file"), version=OuterRef("version")))
    ordered = versions.order_by(is_of_one_text.desc(), "-registered_at", "-pk")
    version = ordered.select_related("procedure").defer("source").first()
    if version is None:
        raise CommitRefused(f"The procedure {procedure} isn't registered.")
    return version
