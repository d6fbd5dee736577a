"""Messages that people send to a run, stored as signals with a reserved name."""

from collections.abc import Mapping
from typing import Any

from procedures.engine.journal.events import Event
from procedures.engine.store import RunRow, SignalRow, Store
from procedures.engine.values import canonical

MESSAGE = "inbox:message"
"""The name of signals that are messages; authors and programs can't use a name with a colon."""


READ = '"read":['
"""The text at which an event's JSON lists the ids of the messages or signals that the run read.

Other events may contain the same text by chance.
"""


def unread_messages(store: Store, run: RunRow) -> list[dict[str, Any]]:
    """Return the messages that the run hasn't read, in the order in which they were sent.

    Each message is a dict of plain JSON with the keys `id`, `text`, `by`, `at` and `steers`. A
    message with files also has the key `files`.
    """
    return [_plain(signal) for signal in _unread(store, run, MESSAGE)]


def unread_signals(store: Store, run: RunRow, name: str) -> list[dict[str, Any]]:
    """Return the signals with this name that nothing has taken, in the order of their sending.

    Each signal is a dict of plain JSON with the keys `id`, `by`, `at` and `value`. Signals that
    carry an error are left out: a wait takes such a signal, and raises the error.
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
    """Mark the messages or signals that the run has read, as `event` lists them.

    If they are messages, packages such as `chat` are notified.
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
    """Return {"files": [...]} with the files of a message; {} if the message has none."""
    return {"files": value["files"]} if value.get("files") else {}
