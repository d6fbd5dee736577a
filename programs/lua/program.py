"""A Lua program during one claim of a run: a sandbox, and primitives that use the run's context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from procedures.engine import Context, Procedure
from programs.lua.clock import RunClock
from programs.lua.primitives.asking import HumanPrimitives
from programs.lua.primitives.children import Children
from programs.lua.primitives.files import Files
from programs.lua.primitives.keeping import Sessions, StoragePrimitives, decode, encode
from programs.lua.primitives.options import shown
from programs.lua.primitives.telling import MessagePrimitives, Stages
from programs.lua.sandbox import Fence, Sandbox

PRIMITIVES = (Path(__file__).parent / "primitives" / "primitives.lua").read_text()


@dataclass(frozen=True)
class Declared:
    """The declarations in a file that the file's code can use."""

    file: str
    stages: Sequence[str] = ()
    human: Mapping[str, Any] = field(default_factory=dict)
    """The options of questions, keyed by the names by which the code asks them."""
    family: dict[str, Procedure] = field(default_factory=dict)
    """The other procedures of the file, keyed by the names by which the code calls them."""


class Program:
    """A running Lua program: its primitives, and the sandbox in which its code calls them."""

    def __init__(self, ctx: Context, fence: Fence, declared: Declared) -> None:
        self.ctx = ctx
        self.count_turns: Callable[[], int] = lambda: 0
        """A function that returns how many turns all agents together have taken."""
        self.sandbox = Sandbox(RunClock(ctx), fence)
        self.sessions, self.files = Sessions(ctx), Files(ctx)
        telling = MessagePrimitives(ctx)
        self.sandbox.print_by(telling.say)
        groups = (
            telling_verbs(telling, Stages(ctx, declared.stages)),
            human_verbs(HumanPrimitives(ctx, declared.human, self.files)),
            keeping_verbs(StoragePrimitives(ctx)),
            child_verbs(Children(ctx, declared.family)),
            file_verbs(self.files),
        )
        waiting = {name: fn for group in groups for name, fn in group.items()}
        plain = {
            **session_verbs(self.sessions),
            **STATELESS,
            "iterations": self._turns,
        }
        waiting["sleep"] = self._sleep
        self.given = {name: self._leaf(name, fn) for name, fn in {**waiting, **plain}.items()}
        self.sandbox.extend(PRIMITIVES, "primitives", self.given)

    def _turns(self) -> int:
        return self.count_turns()

    def _leaf(self, name: str, fn: Any) -> Any:
        return self.sandbox.leaf(fn, rests=name not in QUIET)

    def _sleep(self, seconds: Any = None) -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise TypeError(f"Sleep needs a number of seconds, not {shown(seconds)}.")
        self.ctx.sleep(max(seconds, 0))


QUIET = {
    *("state_get", "state_all", "stage_current", "stage_is", "stage_history", "stage_count"),
    *("checkpoint_exists", "checkpoint_get", "json_encode", "json_decode", "iterations"),
    *("session_append", "session_inject", "session_clear", "session_history", "session_count"),
}
"""Primitives that write no event.

The limits of a run would never end a loop that only calls these.
"""
STATELESS = {"json_encode": encode, "json_decode": decode}


def telling_verbs(telling: MessagePrimitives, stages: Stages) -> dict[str, Any]:
    return {
        "debug": telling.debug,
        "info": telling.info,
        "warn": telling.warn,
        "error": telling.error,
        "notify": telling.notify,
        "alert": telling.alert,
        "stage_set": stages.set,
        "stage_advance": stages.advance,
        "stage_current": stages.current,
        "stage_is": stages.is_current,
        "stage_history": stages.history,
        "stage_count": stages.count,
        "stage_progress": stages.progress,
    }


def human_verbs(humans: HumanPrimitives) -> dict[str, Any]:
    return {
        "approve": humans.approve,
        "input": humans.input,
        "choose": humans.choose,
        "inputs": humans.inputs,
        "upload": humans.upload,
        "review": humans.review,
        "escalate": humans.escalate,
    }


def keeping_verbs(keeping: StoragePrimitives) -> dict[str, Any]:
    return {
        "state_get": keeping.get,
        "state_set": keeping.set,
        "state_increment": keeping.increment,
        "state_append": keeping.append,
        "state_delete": keeping.delete,
        "state_all": keeping.all,
        "state_clear": keeping.clear,
        "keep": keeping.keep,
        "checkpoint_exists": keeping.exists,
        "checkpoint_get": keeping.kept,
        "checkpoint_clear_after": keeping.clear_after,
        "checkpoint_clear_all": keeping.clear_all,
    }


def child_verbs(children: Children) -> dict[str, Any]:
    return {
        "child_run": children.run,
        "child_spawn": children.spawn,
        "child_status": children.status,
        "child_wait": children.wait,
        "child_wait_any": children.wait_any,
        "child_wait_all": children.wait_all,
        "child_inject": children.inject,
        "child_cancel": children.cancel,
        "child_is_complete": children.is_complete,
        "child_all_complete": children.all_complete,
    }


def file_verbs(files: Files) -> dict[str, Any]:
    return {
        "file_read": files.read,
        "file_write": files.write,
        "file_exists": files.exists,
        "file_size": files.size,
        "csv_read": files.read_csv,
        "csv_write": files.write_csv,
        "tsv_read": files.read_tsv,
        "tsv_write": files.write_tsv,
        "json_read": files.read_json,
        "json_write": files.write_json,
    }


def session_verbs(sessions: Sessions) -> dict[str, Any]:
    return {
        "session_append": sessions.append,
        "session_inject": sessions.inject_system,
        "session_clear": sessions.clear,
        "session_history": sessions.history,
        "session_count": sessions.count,
    }
