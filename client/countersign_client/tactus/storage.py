"""A storage backend for Tactus, which keeps everything in the state of runs on a Countersign site.

Tactus has had two generations of its storage protocol, and the backend has the methods of both. One
generation loads and saves all metadata of a procedure at once, and refers to checkpoints by
position. The other generation has named checkpoints and single values. Only changes are sent to the
site.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from countersign_client.client import Client
from countersign_client.outside import OutsideRun
from countersign_client.tactus import models as own_models
from countersign_client.tactus.models import Models, built
from countersign_client.tactus.plain import plain

STATE, LOG, META = "state/", "log/", "meta/"
STATUS, WAITING_ON, INDEX = "status", "waiting_on_message_id", "replay_index"
LUA_STATE, MORE = "lua_state", "more"
NAMED = "checkpoint"
"""The type of a checkpoint with a name.

The result of such a checkpoint contains its name and its data.
"""
FIELDS = frozenset(
    {
        *("procedure_id", "execution_log", "replay_index", "state", "lua_state", "status"),
        "waiting_on_message_id",
    }
)
BASE = "_countersign_base"
"""The attribute in which a metadata object keeps what was last loaded from or saved to the site."""
RUNNING = "RUNNING"


class TactusStorage:
    """A storage backend that stores each procedure in a run of `outside`.

    A process that loads a procedure owns its run until another process loads it. `to` names
    everybody whom the procedures may ask. `models` is a module with the classes to return, such as
    `tactus.protocols.models`.
    """

    def __init__(
        self,
        client: Client,
        *,
        to: Iterable[str] = (),
        silence: str = "",
        webhook: str = "",
        patience: float = 60,
        models: Models = own_models,
    ) -> None:
        self._client, self.models = client, models
        self._options = {"to": list(to), "silence": silence, "webhook": webhook}
        self._patience = patience
        self._runs: dict[str, OutsideRun] = {}
        self._loads: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client!r})"

    def run_of(self, procedure_id: str) -> OutsideRun:
        """Return the run of a procedure; from the first call on, this process owns that run."""
        if procedure_id not in self._runs:
            key, subject = f"tactus:{procedure_id}", procedure_id[:300]
            options: Any = self._options
            self._runs[procedure_id] = OutsideRun.open(
                self._client, key, subject, patience=self._patience, **options
            )
        return self._runs[procedure_id]

    # Whole metadata

    def load_procedure_metadata(self, procedure_id: str) -> Any:
        """Return the stored metadata of a procedure, or empty metadata if nothing is stored."""
        run = self.run_of(procedure_id)
        run.refresh()
        self._loads[procedure_id] = self.loads_of(procedure_id) + 1
        found = run.values
        metadata = built(
            self.models.ProcedureMetadata,
            {
                "procedure_id": procedure_id,
                "execution_log": [self._entry(one) for one in _log_in(found)],
                "replay_index": found.get(META + INDEX, 0),
                "state": _state_in(found),
                "lua_state": found.get(META + LUA_STATE, {}),
                "status": found.get(META + STATUS, RUNNING),
                "waiting_on_message_id": found.get(META + WAITING_ON),
            },
        )
        vars(metadata).update(found.get(META + MORE, {}))
        vars(metadata)[BASE] = _layout(metadata)
        return metadata

    def save_procedure_metadata(self, procedure_id: str, metadata: Any) -> None:
        """Store the changes to the metadata since it was last loaded or saved.

        Values that other methods have set in the meantime are neither removed nor changed back.
        """
        run = self.run_of(procedure_id)
        new, base = _layout(metadata), vars(metadata).get(BASE)
        known = run.values if base is None else base
        self._keep(run, known, new)
        vars(metadata)[BASE] = new

    def update_procedure_status(
        self, procedure_id: str, status: str, waiting_on_message_id: str | None = None
    ) -> None:
        """Store the status of a procedure, which people read as the stage of the run."""
        run = self.run_of(procedure_id)
        is_same = run.get(META + STATUS) == status
        if not is_same or run.get(META + WAITING_ON) != waiting_on_message_id:
            values = {META + STATUS: status, META + WAITING_ON: waiting_on_message_id}
            run.keep(values, stage="" if is_same else status)

    # State

    def get_state(self, procedure_id: str) -> dict[str, Any]:
        """Return a copy of the state of a procedure."""
        return _state_in(self.run_of(procedure_id).values)

    def set_state(self, procedure_id: str, state: Mapping[str, Any]) -> None:
        """Replace the whole state of a procedure."""
        run = self.run_of(procedure_id)
        known = {name: one for name, one in run.values.items() if name.startswith(STATE)}
        self._keep(run, known, {STATE + str(name): plain(one) for name, one in state.items()})

    def state_get(self, procedure_id: str, key: str, default: Any = None) -> Any:
        """Return the value of the procedure's state with the name `key`, or `default`."""
        return self.run_of(procedure_id).get(STATE + key, default)

    def state_set(self, procedure_id: str, key: str, value: Any) -> None:
        """Set the value of the procedure's state with the name `key`."""
        run, found = self.run_of(procedure_id), plain(value)
        if not run.has(STATE + key) or run.get(STATE + key) != found:
            run.keep({STATE + key: found})

    def state_delete(self, procedure_id: str, key: str) -> None:
        """Remove the value of the procedure's state with the name `key`, if there is one."""
        run = self.run_of(procedure_id)
        if run.has(STATE + key):
            run.keep(gone=[STATE + key])

    def state_clear(self, procedure_id: str) -> None:
        """Remove all values of the procedure's state."""
        self.set_state(procedure_id, {})

    # Named checkpoints

    def checkpoint_exists(self, procedure_id: str, name: str) -> bool:
        """Return True if the procedure has a checkpoint with this name."""
        return _place_of(self.run_of(procedure_id).values, name) is not None

    def checkpoint_get(self, procedure_id: str, name: str) -> Any:
        """Return the data of the checkpoint with this name, or None if there is none."""
        found = self.run_of(procedure_id).values
        place = _place_of(found, name)
        return None if place is None else found[place]["result"]["data"]

    def checkpoint_save(self, procedure_id: str, name: str, result: Any) -> None:
        """Save a checkpoint, or replace the data of the checkpoint with the same name."""
        run = self.run_of(procedure_id)
        found = run.values
        position = len(_log_in(found))
        place = _place_of(found, name) or _place(position)
        entry = own_models.CheckpointEntry(
            position=int(place.removeprefix(LOG)),
            type=NAMED,
            result={"name": name, "data": plain(result)},
            timestamp=datetime.now(UTC),
        )
        run.keep({place: plain(entry)})

    def checkpoint_clear_all(self, procedure_id: str) -> None:
        """Remove all checkpoints of the procedure. The procedure's state isn't changed."""
        self._clear(procedure_id, _place(0))

    def checkpoint_clear_after(self, procedure_id: str, name: str) -> None:
        """Remove the checkpoint with this name, and all later checkpoints of the procedure."""
        place = _place_of(self.run_of(procedure_id).values, name)
        if place is not None:
            self._clear(procedure_id, place)

    # The end, and what the handlers need

    def finish(self, procedure_id: str, result: Any = None) -> None:
        """End the run of a procedure with its result. Repeating it is harmless."""
        self.run_of(procedure_id).finish(plain(result))

    def fail(self, procedure_id: str, message: str) -> None:
        """End the run of a procedure with an error. Repeating it is harmless."""
        self.run_of(procedure_id).fail(message)

    def position_of(self, procedure_id: str) -> int:
        """Return the position of the next checkpoint: the number of checkpoints with a result."""
        return sum(not _is_pending(one) for one in _log_in(self.run_of(procedure_id).values))

    def loads_of(self, procedure_id: str) -> int:
        """Return how often this process has loaded the metadata. Each execution loads it once."""
        return self._loads.get(procedure_id, 0)

    def notices_of(self, run_id: str) -> Iterator[Mapping[str, Any]]:
        """Yield the messages that a run has posted in its session, oldest first."""
        after: int | None = 0
        while after is not None:
            page = self._client.list_events(run_id, after=after, limit=200)
            yield from (event.data for event in page.items if event.kind == "notice")
            after = page.items[-1].seq if page.items and page.next is not None else None

    def _clear(self, procedure_id: str, place: str) -> None:
        run = self.run_of(procedure_id)
        gone = [name for name in run.values if name.startswith(LOG) and name >= place]
        if gone:
            run.keep(gone=gone)

    def _entry(self, kept: Mapping[str, Any]) -> Any:
        moment = datetime.fromisoformat(kept["timestamp"])
        return built(self.models.CheckpointEntry, {**kept, "timestamp": moment})

    def _keep(self, run: OutsideRun, known: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        gone = [name for name in known if name not in new and _is_ours(name)]
        changed = {
            name: value for name, value in new.items() if name not in known or known[name] != value
        }
        if changed or gone:
            run.keep(changed, gone=gone, stage=changed.get(META + STATUS, ""))


def _layout(metadata: Any) -> dict[str, Any]:
    """Return the metadata as values by name.

    The checkpoints come last, so they are also sent last.
    """
    found = {STATE + str(name): plain(one) for name, one in metadata.state.items()}
    found[META + LUA_STATE] = plain(metadata.lua_state) or {}
    for name in (STATUS, WAITING_ON, INDEX):
        found[META + name] = getattr(metadata, name)
    more = {name: one for name, one in vars(metadata).items() if name not in FIELDS}
    found[META + MORE] = {
        name: plain(one) for name, one in more.items() if not name.startswith("_")
    }
    for position, entry in enumerate(metadata.execution_log):
        found[_place(position)] = plain(entry)
    return found


def _is_ours(name: str) -> bool:
    return name.startswith((STATE, LOG, META))


def _state_in(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(STATE): one for name, one in found.items() if name.startswith(STATE)}


def _log_in(found: Mapping[str, Any]) -> list[Any]:
    return [found[name] for name in sorted(found) if name.startswith(LOG)]


def _place(position: int) -> str:
    return f"{LOG}{position:06}"


def _place_of(found: Mapping[str, Any], name: str) -> str | None:
    for place in sorted(one for one in found if one.startswith(LOG)):
        entry = found[place]
        result = entry["result"]
        if entry["type"] == NAMED and isinstance(result, Mapping) and result.get("name") == name:
            return place
    return None


def _is_pending(entry: Mapping[str, Any]) -> bool:
    """Return True for the checkpoint of a question that has no answer yet."""
    return entry["result"] is None and str(entry["type"]).startswith("hitl")
