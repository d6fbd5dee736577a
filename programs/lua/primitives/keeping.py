"""The primitives named State, Step, Checkpoint, Session and Json: what a program stores."""

import json
from typing import Any

from procedures.engine import Context
from programs.lua.primitives.options import shown, text_of

ROLES = ("USER", "ASSISTANT", "SYSTEM")
LARGEST_CONVERSATION = 4_000_000
SPOKEN = {"USER": "User", "ASSISTANT": "Assistant", "SYSTEM": "System"}


class StoragePrimitives:
    """The values, step results and checkpoints that a program stores in the run."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def get(self, name: Any = None, default: Any = None) -> Any:
        found = self._ctx.state.get(_name(name))
        return default if found is None else found

    def set(self, name: Any = None, value: Any = None) -> None:
        """Set a value in the run's state. With nil, delete the value, as in any table of Lua."""
        if value is None:
            self._ctx.state.pop(_name(name), None)
        else:
            self._ctx.state[_name(name)] = value

    def increment(self, name: Any = None, by: Any = 1) -> Any:
        known = self._ctx.state.get(_name(name), 0)
        if isinstance(known, bool) or not isinstance(known, int | float):
            self._ctx.state[_name(name)] = 0
        return self._ctx.state.increment(_name(name), by)

    def append(self, name: Any = None, value: Any = None) -> None:
        known = self._ctx.state.get(_name(name))
        if known is not None and not isinstance(known, list):
            self._ctx.state[_name(name)] = [] if known == {} else [known]
        self._ctx.state.append(_name(name), value)

    def delete(self, name: Any = None) -> None:
        self.set(name)

    def all(self) -> dict[str, Any]:
        return dict(self._ctx.state)

    def clear(self) -> None:
        for name in list(self._ctx.state):
            del self._ctx.state[name]

    def keep(self, name: Any = None, value: Any = None) -> Any:
        """Store the result of a step under the step's name, and return the stored result."""
        return self._ctx.step_run(_name(name), lambda: value)

    def exists(self, name: Any = None) -> bool:
        return self._ctx.checkpoint_exists(_name(name))

    def kept(self, name: Any = None) -> Any:
        return self._ctx.checkpoint_get(_name(name))

    def clear_after(self, name: Any = None) -> None:
        self._ctx.checkpoint_clear_after(_name(name))

    def clear_all(self) -> None:
        self._ctx.checkpoint_clear_all()


class Sessions:
    """The conversation that a program composes.

    At the end, it is posted in the run's chat session.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._messages: list[dict[str, Any]] = []
        self._size = 0

    def append(self, role: Any = None, content: Any = None, metadata: Any = None) -> None:
        """Add a message to the conversation: a role and a text, or one table that contains both."""
        if isinstance(role, dict):
            role, content, metadata = (role.get(name) for name in ("role", "content", "metadata"))
        kind = text_of(role).upper()
        message = {"role": kind if kind in ROLES else "USER", "content": text_of(content)}
        self._size += len(message["content"]) + len(encode(metadata))
        if self._size > LARGEST_CONVERSATION:
            most = f"{LARGEST_CONVERSATION:,}"
            raise ValueError(f"The conversation has more than {most} characters.")
        self._messages.append(message | ({"metadata": metadata} if metadata else {}))

    def inject_system(self, text: Any = None) -> None:
        self.append("SYSTEM", text)

    def clear(self) -> None:
        self._messages.clear()
        self._size = 0

    def history(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self._messages]

    def count(self) -> int:
        return len(self._messages)

    def post(self) -> None:
        """Post all messages of the conversation in the run's chat session."""
        for one in self._messages:
            line, _, body = one["content"].partition("\n")
            self._ctx.notify(f"{SPOKEN[one['role']]}: {line}", body=body.strip())


def encode(value: Any = None) -> str:
    """Return a value as JSON, with the keys of objects sorted."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)


def decode(text: Any = None) -> Any:
    """Return the value of a JSON text; null becomes None, which is nil in Lua."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("Json.decode can't read the text: it is nested too deeply.") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"Json.decode can't read the text: {error}") from None


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} isn't JSON.")


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError(f"A name must be a string, not {shown(name)}.")
    return name
