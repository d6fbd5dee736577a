"""A worker's work on a run: claim the run, renew its lease, advance the run and release it."""

import json
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from procedures import dispatch, journal, registry
from procedures.board import board
from procedures.engine.declaration.definition import Procedure
from procedures.engine.errors import Fenced, StorageLost
from procedures.engine.execute import advance
from procedures.files import ContentStore
from procedures.journal import CodeNotRead, DatabaseJournal
from procedures.journal.leftovers import begin_clean
from procedures.lease_keeper import lease_keeper
from procedures.models.procedure import code_of_run
from procedures.models.run_queries import Queued
from procedures.readers import import_readers
from procedures.slot import slot
from procedures.store.exclusions import Exclusions

logger = logging.getLogger(__name__)
told_at = float("-inf")
"""The time on the monotonic clock at which this process last reported its code."""
SHIFT = 1.0
"""Seconds after which a task sends another message and ends, so that the worker can be stopped."""


def advance_runs(*, when: Callable[[], object] | None = None) -> None:
    """Advance the queued runs, oldest first, until none is left or `SHIFT` seconds have passed.

    Sends another message if runs remain. It does no harm if a message comes late or twice. `when`
    is called after the preparations and before the first claim, for example to wait for something.
    """
    if not _begin_turn(when):
        return
    ends, excluded, has_called = time.monotonic() + SHIFT, Exclusions(), False
    try:
        while slot.may_claim and (claimed := journal.claim_next(_code_for, excluded)):
            # Another worker is called before this run is advanced, which may take long. One call is
            # enough, because that worker calls the next one.
            if claimed.are_others and not has_called:
                dispatch.call_workers()
                has_called = True
            if claimed.journal:
                _carry_on(claimed.code, claimed.journal)
            if time.monotonic() >= ends:
                dispatch.call_workers()
                return
        if not slot.may_claim:  # other workers may
            dispatch.call_workers()
    except StorageLost as lost:
        logger.warning("The queue will be checked again later: %s", lost)


def _begin_turn(when: Callable[[], object] | None) -> bool:
    """Prepare this process to claim runs, then call `when`; return False if no code can be loaded.

    The code is loaded before any claim. Importing it may take longer than a lease, and the row of a
    claimed run would be locked meanwhile. Importing may also change settings of the process.
    """
    try:
        registry.definitions()
        import_readers()
        slot.begin_turn()
        if slot.is_open:
            begin_clean()
            _tell_code()
    except registry.LoadError:
        logger.exception("Runs stay queued, because the code can't be loaded.")
        return False
    finally:
        if when:
            when()
    return True


def _tell_code() -> None:
    """Report this worker's code versions, from which the site finds out why a run stays queued."""
    global told_at  # noqa: PLW0603 (of this process)
    if (now := time.monotonic()) - told_at >= dispatch.LOOK_EVERY:
        told_at = now
        dispatch.WORKERS.tell(os.getppid(), json.dumps(registry.installed_versions()))


def advance_run(run_id: UUID) -> None:
    """Advance the run with this id if it is queued or if its worker's lease has expired."""
    rows = code_of_run(run_id)
    if not rows:
        return
    name, file, version, _ = rows[0]
    if (code := _code_of(name, file, version) if file else _newest(name, rows)) is None:
        return
    try:
        held = journal.claim(run_id)
    except StorageLost as lost:
        logger.warning("Run %s will be tried again later: %s", run_id, lost)
        return
    if held is not None:
        _carry_on(code, held)


def _code_for(found: Queued) -> Procedure | None:
    """Return this process's code for the run, or None if the process may not advance the run."""
    if found.file:
        key = (found.procedure, found.file, found.version)
        if not registry.is_ready(key):
            raise CodeNotRead(partial(_make_ready, key))
        return _code_of(*key)
    code = registry.find(found.procedure)
    # Usually this takes no query, because the claim has read the newest version together with the
    # run.
    if code and code.version == found.newest:
        return code
    return _newest(found.procedure, code_of_run(found.run.pk))


def _make_ready(key: registry.Text) -> None:
    registry.make_ready(key)
    slot.settings = None  # reading the text may have imported code


def _code_of(name: str, file: str, version: str) -> Procedure | None:
    """Return the code of the text that a run was started with.

    If this process has no reader for the text, logs a warning and returns None.
    """
    code = registry.kept_code(name, file, version)
    if code is None:
        registry.warn_once(f"Runs stay queued: this worker has no reader for {file!r}.")
    return code


def _newest(name: str, rows: list[tuple[str, str, str, str]]) -> Procedure | None:
    return _newest_code(name, [version for *_, version in rows])


def _newest_code(name: str, known: list[str]) -> Procedure | None:
    """Return this process's code for a procedure if the code is the newest that was registered.

    Otherwise, logs a warning and returns None. `known` holds the registered versions, the newest
    first.
    """
    code = registry.find(name)
    if code is None:
        registry.warn_once(f"Runs stay queued: this worker has no code for {name!r}.")
    elif code.version not in known:
        registry.warn_once(
            f"Runs stay queued: this worker's code for {name!r} was never registered. "
            "Run `manage.py migrate`, then restart this worker."
        )
        return None
    elif registry.is_outdated(code, known):
        registry.warn_once(
            f"This worker's code for {name!r} is out of date; newer workers will run it."
        )
        return None
    return code


def _carry_on(code: Procedure, held: DatabaseJournal) -> None:
    run_id = held.run.run_id
    # This comes before any of the author's code: by the board, the main process can end a slot even
    # if that code never returns.
    board.write_claim(UUID(run_id), held.epoch)
    try:
        with lease_keeper.beating_for(held):
            advance(code, held, ContentStore(), settings=None if slot.spent_by else slot.settings)
    except Fenced:
        logger.warning("Run %s is held by another worker now.", run_id)
    except StorageLost as lost:
        logger.warning("Run %s will be tried again later: %s", run_id, lost)
    finally:
        board.clear_claim()
    # If an input arrived while this worker was releasing the run, its sender saw the run in a
    # worker's hands and called no worker.
    if held.is_queued_again:
        dispatch.call_workers()
