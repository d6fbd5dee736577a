"""The recorder of chats and the handler of logs for procedures of Tactus."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from countersign_client.errors import EndedRunError
from countersign_client.tactus.models import built
from countersign_client.tactus.plain import UnstorableError, cut, plain
from countersign_client.tactus.storage import TactusStorage

LEVELS = {"debug": "debug", "info": "info", "warn": "warning", "warning": "warning"}
LONGEST_LINE = 5_000
LONGEST_TEXT = 20_000
BESIDE = ("message_type", "tool_name", "tool_parameters", "tool_response", "parent_message_id")
BESIDE_TOO = (*BESIDE, "human_interaction", "metadata")
USUAL = "MESSAGE"


class ChatRecorder:
    """A recorder that posts a procedure's messages to the chat session of its run."""

    def __init__(self, storage: TactusStorage, procedure_id: str) -> None:
        self._storage, self.procedure_id = storage, procedure_id
        self.session_id: str | None = None

    async def start_session(self, *_: Any, **__: Any) -> str:
        """Return the id of the session, which is the id of the procedure's run.

        All arguments are ignored: Tactus passes the context, and its protocol also the id of the
        procedure.
        """
        run = await asyncio.to_thread(self._storage.run_of, self.procedure_id)
        self.session_id = run.id
        return run.id

    async def record_message(self, message: Any) -> str:
        """Post a message, and return its id."""
        return await asyncio.to_thread(self._record, message)

    async def end_session(self, session_id: str, status: str = "COMPLETED") -> None:
        """Write the end of the session to the journal of the run."""
        run = await asyncio.to_thread(self._storage.run_of, self.procedure_id)
        if not run.is_over:
            await asyncio.to_thread(run.log, f"The session has ended: {status}.")
        self.session_id = None

    async def get_session_messages(self, session_id: str, limit: int | None = None) -> list[Any]:
        """Return the messages of a session, oldest first; with a `limit`, only the newest ones."""
        found = await asyncio.to_thread(lambda: list(self._messages(session_id)))
        return found if limit is None else found[len(found) - min(limit, len(found)) :]

    async def get_session_history(self, session_id: str) -> list[Any]:
        """Return all messages of a session, oldest first."""
        return await self.get_session_messages(session_id)

    def _record(self, message: Any) -> str:
        beside = {name: getattr(message, name, None) for name in BESIDE_TOO}
        details = {name: plain(one) for name, one in beside.items() if one and one != USUAL}
        run = self._storage.run_of(self.procedure_id)
        return run.post(
            message.role.capitalize(), body=cut(message.content, LONGEST_TEXT), data=details or None
        )

    def _messages(self, session_id: str) -> Iterator[Any]:
        for data in self._storage.notices_of(session_id):
            beside = data.get("data")
            values = {"role": data["text"].upper(), "content": data.get("body", "")}
            values |= beside if isinstance(beside, Mapping) else {}
            yield built(self._storage.models.ChatMessage, values)


class LogHandler:
    """A handler that writes a procedure's log events to the journal of its run.

    The summary at the end of an execution also ends the run with a result or an error, unless
    `ends` is False. Events after the end of the run are ignored.
    """

    supports_streaming = False
    """False tells Tactus not to send texts in pieces, which would be too many for a journal."""

    def __init__(self, storage: TactusStorage, procedure_id: str, *, ends: bool = True) -> None:
        self._storage, self._procedure_id, self._ends = storage, procedure_id, ends
        self.cost_events: list[Any] = []
        """The costs of model calls, which Tactus adds up."""

    def log(self, event: Any) -> None:
        """Record an event of any type in the run. If the run has ended, nothing happens."""
        try:
            self._log(event, getattr(event, "event_type", "log"))
        except EndedRunError:
            return

    def _log(self, event: Any, kind: str) -> None:
        run = self._storage.run_of(self._procedure_id)
        if kind == "execution_summary":
            self._end(event)
        elif kind == "log":
            run.log(_line(event.message, event.context), level=_level(event.level))
        elif kind == "system_alert":
            run.post(_line(event.message, {}), data={"level": event.level})
        elif kind == "cost":
            self.cost_events.append(event)
            words = (
                f"{event.agent_name} used {event.total_tokens} tokens with the model {event.model}."
            )
            run.log(_line(words, {"total_cost": event.total_cost}))
        elif kind != "agent_stream_chunk":
            run.log(_line(kind.replace("_", " ").capitalize(), _details(event)), level="debug")

    def _end(self, event: Any) -> None:
        if not self._ends:
            return
        if event.exit_code or event.error_message:
            self._storage.fail(self._procedure_id, event.error_message or "The procedure failed.")
        else:
            self._storage.finish(self._procedure_id, event.result)


def _level(level: str | None) -> str:
    return LEVELS.get((level or "info").lower(), "error")


def _line(text: str, context: Any) -> str:
    line = f"{text} {plain(context)}" if context else text
    return cut(line, LONGEST_LINE) or "(empty)"


def _details(event: Any) -> Any:
    """Return an event as JSON, without the fields that the journal has anyway.

    If the event can't be stored as JSON, {} is returned.
    """
    hidden = {"event_type", "timestamp", "procedure_id"}
    try:
        found = plain(event)
    except UnstorableError:
        return {}
    return {name: one for name, one in found.items() if name not in hidden and one is not None}
