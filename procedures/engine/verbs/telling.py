"""The verbs that show people what a run does."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from procedures.engine.errors import OptionError
from procedures.engine.execution.progress import check_progress
from procedures.engine.journal.events import EventKind
from procedures.engine.replay.fiber import Fiber
from procedures.engine.values import canonical
from procedures.engine.values.files import File
from procedures.engine.values.options import check_kind, check_text, check_word, with_options
from procedures.engine.values.state import State
from procedures.engine.verbs.posting import posted

Level = Literal["debug", "info", "warning", "error"]
AlertLevel = Literal["info", "warning", "error", "critical"]
LEVELS: tuple[Level, ...] = get_args(Level)
ALERTS: tuple[AlertLevel, ...] = get_args(AlertLevel)
STAGES = 'a list of names such as ["Pay", "Send"]'
MOST_STAGES = 50
"""The largest number of stages in `then=` of `ctx.stage`."""


class TellingVerbs:
    """The verbs that show people what a run does; none of them waits."""

    _fiber: Fiber

    @with_options("ctx.notify")
    def notify(
        self,
        text: str,
        *,
        body: str = "",
        data: Any = None,
        files: Sequence[File] = (),
        cites: Sequence[str] = (),
    ) -> None:
        """Post a message in the run's chat session without waiting; a replay doesn't post it again.

        `text` is plain text. `body` is Markdown that is shown below `text`, `data` is plain data
        that is shown as a table, and `files` are files of the run that people can download. `cites`
        lists names of steps, at most 20; the message shows each as a link to the run's page.

        Raises `OptionError` for other values, and `SizeError` for values larger than the site
        allows.
        """
        check_text("The text of ctx.notify", text)
        content = {"text": canonical.legible(text), **posted(body, data, files, cites)}
        self._fiber.note(EventKind.NOTICE, text, content)

    @with_options("ctx.alert")
    def alert(self, text: str, level: AlertLevel = "warning") -> None:
        """Post an alert in the run's chat session without waiting; a replay doesn't post it again.

        `level` is "info", "warning", "error" or "critical"; the last two are also mailed to the
        operators. Raises `OptionError` for other levels.
        """
        check_text("The text of ctx.alert", text)
        check_word("level= of ctx.alert", level, ALERTS)
        self._fiber.note(EventKind.NOTICE, text, {"text": canonical.legible(text), "level": level})

    @property
    def state(self) -> State:
        """The run's durable values by name, which code reads and changes like a dictionary.

        A replay makes the same changes again from an empty dictionary, so each change counts once.
        """
        self._fiber.check_usable()
        return self._fiber.state

    @with_options("ctx.log")
    def log(self, text: str, *, level: Level = "info") -> None:
        """Write a line to the run's journal; a replay doesn't write it again.

        `level` is "debug", "info", "warning" or "error". Raises `OptionError` for other levels.
        """
        check_text("The text of ctx.log", text)
        check_word("level= of ctx.log", level, LEVELS)
        self._fiber.note(EventKind.LOG, text, {"text": canonical.legible(text), "level": level})

    @with_options("ctx.progress")
    def progress(
        self, text: str = "", done: float | None = None, total: float | None = None
    ) -> None:
        """Show people the procedure's progress between steps; a step can use `Step.progress`.

        `done` and `total` are numbers from 0. Raises `OptionError` for other values.
        """
        check_progress("ctx.progress", text, done, total)
        counts = {} if done is None else {"done": done, "total": total}
        data = {"text": canonical.legible(text), **counts}
        self._fiber.note(EventKind.PROGRESS, text, data)

    @with_options("ctx.stage")
    def stage(self, name: str, *, then: Sequence[str] | None = None) -> None:
        """Show people the name of the part of the procedure that begins here.

        `then` lists the names of the parts that will follow, at most 50: after `ctx.stage("Check",
        then=["Pay", "Send"])`, people see a checklist with "Check" as the current entry and "Pay"
        and "Send" as open entries. A later `ctx.stage("Pay")` without `then` leaves "Send" in the
        checklist. Raises `OptionError` if a name isn't a string.
        """
        check_text("The name of ctx.stage", name)
        data: dict[str, Any] = {"stage": canonical.legible(name)}
        if coming := self._fiber.coming_after(data["stage"], _stages(then)):
            data["then"] = coming
        self._fiber.note(EventKind.STAGE, name, data)


def _stages(then: Sequence[str] | None) -> list[str] | None:
    """Return the names of stages as they are stored; raise `OptionError` if one is invalid."""
    if then is None:
        return None
    check_kind("then= of ctx.stage", then, list | tuple, STAGES)
    if len(then) > MOST_STAGES:
        words = f"then= of ctx.stage has {len(then)} names; the limit is {MOST_STAGES}."
        raise OptionError(words)
    return [canonical.legible(check_text("Each name in then= of ctx.stage", one)) for one in then]
