"""Hooks by which the layers above take part in a run's life, inside its transactions.

They are sent with `send`, so a receiver that raises rolls the whole change back. All arguments are
passed by name:

    run_started(run, files, place)         files: the files that the run was started with, in order;
                                           place: the `place` that the layer above passed to
                                           `start_run`, or None
    wait_opened(run, wait, content, at)    content: the question, plain JSON
    repeatable_opened(run, waits, at)      waits: new questions that a standing decision may answer;
                                           all other rows of these questions have been inserted
    wait_closed(run, wait, content, was_held)
                                           content: outcome, value, responder, comment, timed_out;
                                           was_held: True if a held answer takes effect
    wait_held(run, wait, content, at)      a question counts as closed with this content until the
                                           held answer is settled or undone
    wait_released(run, wait, at)           a held answer was undone, so the question is open
    notice(run, text, level, details, at)  level: the severity of an alert, else "";
                                           details: the event's other fields as JSON text, or ""
    messages_read(run, ids, at)            ids: the messages that the run's code has just read
    run_ended(run)
    site_confirmed(held_at)                a copy of the site acts as the site from now on;
                                           held_at: the time at which it was marked as a copy

Functions in `open_requests` are called with a run, a user and a maximum number. They return the
run's open requests, each with `id, key, kind, prompt, assigned, due_at`.

Functions in `answers` are called with the id of such a request, a user, a value and a comment. They
answer the request as that person would, with all checks, or raise an `EngineError`.

After the commit, functions in `changed` are called with the run's id, as a hint that may be lost.
These functions must be quick. They are in a list because sending a Django signal to even one
receiver costs as much as hashing an event.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.dispatch import Signal

logger = logging.getLogger(__name__)

run_started = Signal()
wait_opened = Signal()
repeatable_opened = Signal()
wait_closed = Signal()
wait_held = Signal()
wait_released = Signal()
notice = Signal()
messages_read = Signal()
run_ended = Signal()
site_confirmed = Signal()
open_requests: list[Callable[[Any, Any, int], Iterable[Mapping[str, Any]]]] = []
answers: list[Callable[[UUID, Any, Any, str], object]] = []
changed: list[Callable[[str], None]] = []
examined: list[Callable[[Any, list[str]], Iterable[Any]]] = []
"""Functions of higher layers that compare their rows with a run's `services.record.Record`.

Each function is called with the record and a list, and returns the differences. To the list, it
appends the names of rows that were written before the site kept proofs.
"""
names_files: list[Callable[[], bool]] = []
"""Functions that return True if a row of a higher layer refers to a file in the file store."""
examined_site: list[Callable[[], Iterable[Any]]] = []
"""Functions that return a difference for each row of a higher layer that should belong to a run but
doesn't."""

keeps: list[Callable[[Mapping[UUID, UUID], datetime], Iterable[tuple[UUID, str]]]] = []
"""Functions of higher layers that say which old runs must be kept.

Each function is called with the runs, each with the key of its family, and the time. It returns
pairs: a run, and the kind of the reason ("open").
"""
needs: list[Callable[[Sequence[UUID]], Iterable[tuple[UUID, UUID]]]] = []
"""Functions of higher layers that say which runs need the record of another run.

Each function is called with the ids of runs. It returns pairs, the run that is needed and the run
that needs it, if at least one of the two is among these runs.
"""
concerns: list[Callable[[Sequence[UUID], Sequence[Any]], Iterable[tuple[UUID, Any]]]] = []
"""Functions of higher layers that say from their own rows which of some runs concern which users.

Each function is called with the ids of runs and the keys of users, and returns pairs of both.
"""
removals: list[Callable[[Sequence[Any], Sequence[Any]], Iterable[str]]] = []
"""Functions that delete the rows of a higher layer about runs that are being removed.

Each function is called with the runs and their tombstones, inside the transaction, and returns the
digests of contents that these rows have used.
"""
counted: list[Callable[[Sequence[UUID]], Mapping[str, int]]] = []
"""Functions that count the rows of a higher layer that would be removed with these runs.

Each function returns the counts, keyed by the kind of the rows ("requests").
"""
content_users: list[Callable[[], Iterable[str]]] = []
"""Functions that yield the digests of all contents that rows of a higher layer use."""


def tell_of_change(run_id: str) -> None:
    for hear in changed:
        try:
            hear(run_id)
        except Exception:
            logger.exception("A change to run %s couldn't be announced.", run_id)
