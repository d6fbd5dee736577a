"""The primitives that show people something: Log, Stage, print, Human.notify and System.alert."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from procedures.engine import Context
from programs.lua.primitives.options import table_of, text_of

LONGEST_LINE = 9_000
"""The maximum number of characters in a log line; a longer line is cut."""
MARKED = {"warning": "warning", "warn": "warning", "error": "error", "critical": "critical"}
MOST_SHOWN = 50
"""The maximum number of coming stages that people are shown."""
Level = Literal["debug", "info", "warning", "error"]


class MessagePrimitives:
    """The messages and log lines that a program writes."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def say(self, text: str) -> None:
        """Write a line to the journal for Lua's `print`, unless the line is empty."""
        if text.strip():
            self._ctx.log(_cut(text))

    def debug(self, text: Any = None, data: Any = None) -> None:
        self._log(text, data, "debug")

    def info(self, text: Any = None, data: Any = None) -> None:
        self._log(text, data, "info")

    def warn(self, text: Any = None, data: Any = None) -> None:
        self._log(text, data, "warning")

    def error(self, text: Any = None, data: Any = None) -> None:
        self._log(text, data, "error")

    def _log(self, text: Any, data: Any, level: Level) -> None:
        words = text if isinstance(text, str) else written(text)
        self._ctx.log(_cut(f"{words} {written(data)}" if data else words or "-"), level=level)

    def notify(self, options: Any = None) -> None:
        """Post a message, with the details below the first line.

        A message with the level warning, error or critical is posted as an alert.
        """
        settings = table_of({"message": options} if isinstance(options, str) else options, "notify")
        words = text_of(settings.get("content") or settings.get("message") or "Notification")
        line, _, body = words.partition("\n")
        details = [_section(one) for one in settings.get("details") or []]
        parts = [body.strip(), *details]
        text, data = line.replace("**", "").strip() or "-", settings.get("context") or None
        level = MARKED.get(text_of(settings.get("level")))
        if level in ("warning", "error", "critical"):
            self._ctx.alert(_cut(text), level=level)  # type: ignore[arg-type]  # one of these
            text = "Details"
        if told_more := "\n\n".join(filter(None, parts)):
            self._ctx.notify(_cut(text), body=told_more, data=data)
        elif data is not None or level is None:
            self._ctx.notify(_cut(text), data=data)

    def alert(self, options: Any = None) -> None:
        settings = table_of({"message": options} if isinstance(options, str) else options, "alert")
        text = text_of(settings.get("message") or "System alert")
        source = text_of(settings.get("source"))
        level = MARKED.get(text_of(settings.get("level")), "info")
        self._ctx.alert(_cut(f"{source}: {text}" if source else text), level=level)  # type: ignore[arg-type]  # one of these
        if context := settings.get("context"):
            self._ctx.notify("Details", data=context)


class Stages:
    """The stages of a program: the declared ones in their order, and the stages entered so far."""

    def __init__(self, ctx: Context, declared: Sequence[str]) -> None:
        self._ctx, self._declared = ctx, list(declared)
        self._current: str | None = None
        self._history: list[dict[str, Any]] = []

    def set(self, name: Any = None) -> None:
        stage = text_of(name)
        if self._declared and stage not in self._declared:
            known = ", ".join(self._declared)
            raise ValueError(f"There is no stage {stage!r}. The stages are {known}.")
        place = self._declared.index(stage) + 1 if self._declared else 0
        self._ctx.stage(stage, then=self._declared[place : place + MOST_SHOWN])
        moment = self._ctx.now().isoformat()
        entered = {"from_stage": self._current, "to_stage": stage, "timestamp": moment}
        self._current = stage
        self._history.append(entered)

    def advance(self, name: Any = None) -> str | None:
        """Enter the stage with this name, or without a name, the stage after the current one.

        The name of the entered stage is returned, or None if there is no stage after the current
        one.
        """
        if name is not None:
            self.set(name)
            return self._current
        if self._current is None:
            raise ValueError("There is no stage to advance from. Call Stage.set first.")
        if self._current not in self._declared:
            raise ValueError("The file declares no stages, so there is no next stage.")
        following = self._declared[self._declared.index(self._current) + 1 :]
        if not following:
            return None
        self.set(following[0])
        return following[0]

    def current(self) -> str | None:
        return self._current

    def is_current(self, name: Any = None) -> bool:
        return self._current is not None and self._current == text_of(name)

    def history(self) -> list[dict[str, Any]]:
        return [dict(one) for one in self._history]

    def count(self) -> int:
        return len(self._history)

    def progress(self, done: Any = None, total: Any = None) -> None:
        self._ctx.progress(self._current or "", done, total)


def written(value: Any) -> str:
    """Return a value as one line of text: a string as it is, and any other value as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _section(one: Any) -> str:
    section = one if isinstance(one, dict) else {"content": text_of(one)}
    title, content = text_of(section.get("title")), text_of(section.get("content"))
    return f"**{title}**\n\n{content}" if title else content


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"
