"""Procedures, runs and signals."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from countersign_client.calls import Call, path
from countersign_client.files import File, file_in
from countersign_client.reading import inside, json_of, one, page_of
from countersign_client.results.pages import Page
from countersign_client.results.runs import Event, Procedure, Run, RunRow, Signal

KEY = "Idempotency-Key"


def list_procedures(*, after: str | None = None, limit: int = 50) -> Call[Page[Procedure]]:
    """Return a page of the procedures that the token's user may see."""
    where = {"after": after, "limit": limit}
    return Call(method="GET", path="procedures", read=page_of(Procedure), params=where)


def get_procedure(name: str) -> Call[Procedure]:
    """Return a procedure with the JSON Schema of its inputs."""
    return Call(method="GET", path=path("procedures", name), read=one(Procedure))


def start_run(
    procedure: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    key: str = "",
    files: Mapping[str, File | Sequence[File]] | None = None,
) -> Call[Run]:
    """Start a run, and return the run.

    If the `key` was used before, this returns the run that was started with it. So choose a key
    that names the cause, such as "deploy-1187"; then a restarted program starts no second run.
    `files` maps the names of inputs to files. Raises `InvalidError`, which names the faults of the
    inputs, and `TooManyError` if a quota is used up.
    """
    return Call(
        method="POST",
        path=path("procedures", procedure, "runs"),
        read=one(Run),
        body=inputs or {},
        files=_flat(files or {}),
        headers={KEY: key or str(uuid4())},
        is_repeatable=True,
    )


def ask(  # noqa: PLR0913 (the inputs of the procedure `ask`)
    subject: str,
    *,
    body: str = "",
    kind: str = "",
    options: Mapping[str, str] | Sequence[str] | None = None,
    schema: Mapping[str, Any] | None = None,
    to: Sequence[str] = (),
    due: str = "",
    expires: str = "",
    default: Any = None,
    webhook: str = "",
    key: str = "",
) -> Call[Run]:
    """Ask people a question, and return the run that asks it.

    Without a `kind`, the question is a choice if it has `options`, a form if it has a `schema`, and
    an approval otherwise. `to` names groups, users ("@ann") and permissions ("perm:app.code").
    `due` and `expires` are durations such as "4h".
    """
    usual = "choice" if options else "form" if schema else "approval"
    given = {
        "body": body,
        "kind": kind or usual,
        "options": options,
        "schema": schema,
        "to": list(to),
        "due": due,
        "expires": expires,
        "default": default,
        "webhook": webhook,
    }
    sent = {name: value for name, value in given.items() if value not in ("", None, [])}
    return start_run("ask", {"subject": subject, **sent}, key=key)


def list_runs(
    *,
    status: str | None = None,
    procedure: str | None = None,
    parent: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Call[Page[RunRow]]:
    """Return a page of runs, newest first."""
    where = {"status": status, "procedure": procedure, "parent": parent}
    where |= {"after": after, "limit": str(limit)}
    return Call(method="GET", path="runs", read=page_of(RunRow), params=where)


def get_run(run_id: str) -> Call[Run]:
    """Return a run."""
    return Call(method="GET", path=path("runs", run_id), read=one(Run))


def get_inputs(run_id: str) -> Call[Any]:
    """Return the inputs of a run, however large they are."""
    return Call(method="GET", path=path("runs", run_id, "inputs"), read=json_of)


def get_result(run_id: str) -> Call[Any]:
    """Return the result of a run, however large it is; raise `NotFoundError` if there is none."""
    return Call(method="GET", path=path("runs", run_id, "result"), read=json_of)


def get_state(run_id: str) -> Call[Any]:
    """Return the values of a run's `ctx.state` by name, however large they are."""
    return Call(method="GET", path=path("runs", run_id, "state"), read=json_of)


def list_events(run_id: str, *, after: int = 0, limit: int = 50) -> Call[Page[Event]]:
    """Return a page of a run's journal, oldest first."""
    where = {"after": after, "limit": limit}
    return Call(
        method="GET", path=path("runs", run_id, "events"), read=page_of(Event), params=where
    )


def get_event(run_id: str, seq: int) -> Call[Event]:
    """Return one event with its values.

    Lists of events contain only the digests of large values.
    """
    return Call(method="GET", path=path("runs", run_id, "events", seq), read=one(Event))


def cancel_run(run_id: str, reason: str) -> Call[Run]:
    """Cancel a run, and return the run.

    A worker ends the run before the next step or wait, after it has run the compensations of the
    finished steps. The token needs the scope `operate`, or the scope `ask` for questions that
    programs of the same account have asked. Raises `ConflictError` if the run has ended.
    """
    return Call(
        method="POST",
        path=path("runs", run_id, "cancellation"),
        read=inside("run", Run),
        body={"reason": reason},
    )


def send_signal(run_id: str, name: str, value: Any = None, *, signal_id: str = "") -> Call[Signal]:
    """Send a signal to a run. The site stores the signal until the run waits for it.

    If a signal with the same `signal_id` was sent before, nothing happens.
    """
    return Call(
        method="POST",
        path=path("runs", run_id, "signals", name),
        read=one(Signal),
        body={"id": signal_id or str(uuid4()), "value": value},
        is_repeatable=True,
    )


def get_signal(number: int) -> Call[Signal]:
    """Return the signal with this number, with its present status."""
    return Call(method="GET", path=path("signals", number), read=one(Signal))


def download_artifact(run_id: str, name: str) -> Call[File]:
    """Return the newest file of a run with that name."""
    return Call(method="GET", path=path("runs", run_id, "artifacts", name), read=file_in)


def _flat(files: Mapping[str, File | Sequence[File]]) -> list[tuple[str, File]]:
    lists = {name: [one] if isinstance(one, File) else one for name, one in files.items()}
    return [(name, file) for name, found in lists.items() for file in found]
