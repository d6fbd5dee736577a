"""Messages from people to a run: signals of a reserved name, read by the run's code."""

from collections.abc import Mapping
from typing import Any

from procedures.engine.journal.events import Event
from procedures.engine.store import RunRow, SignalRow, Store
from procedures.engine.values import canonical

MESSAGE = "inbox:message"
"""The name of signals that are messages; its colon keeps authors and programs from using it."""


READ = '"read":['
"""A string in the data of each event that names messages as read, and of few other events."""


def unread_messages(store: Store, run: RunRow) -> list[dict[str, Any]]:
    """Return the messages that the run hasn't read, in the order in which they were sent.

    Each has the fields `id`, `text`, `by`, `at`, `steers` and, if there are any, `files`, as plain
    JSON.
    """
    return [_plain(signal) for signal in _unread(store, run, MESSAGE)]


def unread_signals(store: Store, run: RunRow, name: str) -> list[dict[str, Any]]:
    """Return the signals of that name that nothing has taken, in the order in which they were sent.

    Each has the fields `id`, `by`, `at` and `value`, as plain JSON. Signals that were sent as
    errors are left for waits, which raise them.
    """
    return [
        {
            "id": signal.signal_id,
            "by": signal.sender,
            "at": signal.at.isoformat(),
            "value": canonical.value_of(signal.value),
        }
        for signal in _unread(store, run, name)
        if not signal.error
    ]


def note_read(store: Store, run: RunRow, event: Event) -> None:
    """Mark the messages or signals that an event names as read.

    The layers above are notified of messages.
    """
    content = event.content
    read, name = set(content.get("read", ())), str(content.get("signal", MESSAGE))
    for signal in _unread(store, run, name) if read else ():
        if signal.signal_id in read:
            signal.read_seq = event.seq
            store.save(signal, "read_seq")
    if read and name == MESSAGE:
        store.tell_read(run, sorted(read))


def _unread(store: Store, run: RunRow, name: str) -> list[SignalRow]:
    return list(store.signals(run, name=name, wait=None, skipped="", read_seq=None))


def _plain(signal: SignalRow) -> dict[str, Any]:
    value: Mapping[str, Any] = canonical.value_of(signal.value)
    return {
        "id": signal.signal_id,
        "text": value["text"],
        "by": signal.sender,
        "at": signal.at.isoformat(),
        "steers": bool(value.get("steers")),
        **named_files_of(value),
    }


def named_files_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry with the files of a message, or {} if it has none."""
    return {"files": value["files"]} if value.get("files") else {}
