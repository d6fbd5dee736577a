"""The state of a program's own run, as far as this process has read the run's journal."""

import json
from collections.abc import Mapping
from threading import RLock
from typing import Any
from uuid import uuid4

from countersign_client.results.runs import Event

OWN, QUESTION = "outside", "outside/"


class OutsideState:
    """The values, the questions and the handled commands of a run. Several threads can use it."""

    def __init__(self, seq: int, *, ended: str) -> None:
        self._lock = RLock()
        self._values: dict[str, Any] = {}
        self._replies: dict[str, str | None] = {}
        """The run's reply to each command: None until it is read; "" if the run has obeyed."""
        self._is_owner = False
        self.owner = str(uuid4())
        """The id of this process as an owner of the run."""
        self.is_lost = False
        """True if another process has taken the run over from this one."""
        self.seq = seq
        """The number of the last event that was read."""
        self.ended = ended
        """The status with which the run has ended; "" if it hasn't."""

    @property
    def values(self) -> dict[str, Any]:
        """A copy of the stored values, by name."""
        with self._lock:
            own = {name: one for name, one in self._values.items() if not _is_reserved(name)}
            copied: dict[str, Any] = json.loads(json.dumps(own))
            return copied

    def get(self, name: str, default: Any = None) -> Any:
        """Return a copy of the value with this name, or `default` if no such value is stored."""
        with self._lock:
            found = default if _is_reserved(name) else self._values.get(name, default)
        return json.loads(json.dumps(found))

    def has(self, name: str) -> bool:
        """Return True if a value with this name is stored."""
        with self._lock:
            return not _is_reserved(name) and name in self._values

    def question(self, key: str) -> Any:
        """Return what the run has stored about the question with this key; None if nothing."""
        with self._lock:
            return self._values.get(QUESTION + key)

    def replace(self, values: Mapping[str, Any]) -> None:
        """Replace all values, including those in which the run keeps its owner and questions."""
        with self._lock:
            self._values = dict(values)

    def expect_reply(self, command: str) -> None:
        """Take note of the run's reply to the command with this id, once the reply is read."""
        with self._lock:
            self._replies[command] = None

    def take_reply(self, command: str) -> str | None:
        """Return the run's reply to a command and forget the reply; None if there is none yet.

        The reply is the reason for which the run has refused the command, or "" if it has obeyed.
        """
        with self._lock:
            reply = self._replies[command]
            if reply is not None:
                del self._replies[command]
            return reply

    def apply(self, event: Event) -> None:
        """Apply an event of the journal, unless another thread has done so."""
        with self._lock:
            if event.seq <= self.seq:
                return
            self.seq = event.seq
            if event.is_end:
                self.ended = event.kind.removeprefix("run.")
            elif event.kind == "state":
                self._note(event.data)

    def _note(self, change: Mapping[str, Any]) -> None:
        name, value = change["name"], change["value"]
        if change.get("gone"):
            self._values.pop(name, None)
            return
        self._values[name] = value
        if name == OWN:
            is_mine = value["owner"] == self.owner
            self.is_lost = self._is_owner and not is_mine
            self._is_owner = self._is_owner or is_mine
            if is_mine and value["heard"] in self._replies:
                self._replies[value["heard"]] = value.get("refused", "")


def _is_reserved(name: str) -> bool:
    return name == OWN or name.startswith(QUESTION)
