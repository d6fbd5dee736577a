"""Settings that steps seldom change and that take longer to read: they are read once per turn.

A turn is the work of one claim on a run.
"""

import asyncio
import builtins
import logging
import multiprocessing
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from procedures.engine.execution.process import (
    MOST_NAMES,
    QUICK,
    SLOW,
    Setting,
    Settings,
    State,
    read_all,
)

with suppress(OSError):
    tempfile.gettempdir()  # otherwise the first use would choose the folder, and look like a change
HOOKS = (
    *((sys, name) for name in ("excepthook", "unraisablehook", "displayhook", "breakpointhook")),
    (threading, "excepthook"),
)
OF_SOCKET = ("socket", "create_connection", "getaddrinfo")
USUAL_START = multiprocessing.get_all_start_methods()[0]
"""The default way of starting processes, which `multiprocessing` selects at its first use."""


class RareSetting(NamedTuple):
    """A setting that steps seldom change, with the function that reads its value."""

    read: Callable[[], Any]
    setting: Setting


def _loggers() -> Mapping[str, Any]:
    """Return the state of each logger, by the logger's name.

    The attributes are read directly. There may be hundreds of loggers, and calling their methods
    would take too long.
    """
    known: dict[str, Any] = logging.root.manager.loggerDict
    return {
        name: (one.level, one.propagate, one.disabled, [*one.handlers], [*one.filters])
        for name, one in [*known.items()]
        if one.__class__ is not logging.PlaceHolder
    }


def _changed_loggers(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names of the loggers that changed; loggers that are new don't count as changed."""
    return [name for name, state in before.items() if now.get(name, state) != state]


def _write_loggers(before: Mapping[str, Any]) -> None:
    for name in _changed_loggers(before, _loggers()):
        one = logging.getLogger(name)
        level, one.propagate, one.disabled, handlers, filters = before[name]
        one.setLevel(level)
        one.handlers[:], one.filters[:] = handlers, filters


def _write_hooks(before: Sequence[Any]) -> None:
    for (module, name), hook in zip(HOOKS, before, strict=True):
        setattr(module, name, hook)


def _write_sockets(before: Sequence[Any]) -> None:
    for name, function in zip(OF_SOCKET, before, strict=True):
        setattr(socket, name, function)


def _write_arguments(before: Any) -> None:
    sys.argv, found = before
    sys.argv[:] = found


def _write_finders(before: Any) -> None:
    sys.meta_path[:], sys.path_hooks[:] = before


def write_variables(variables: dict[str, Any], before: Mapping[str, Any]) -> None:
    """Restore the variables of a module or an object to `before`, and delete all others."""
    for name in {*variables} - {*before}:
        del variables[name]
    variables.update(before)


def named_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return the names whose values differ, in one line; a long list is shortened."""
    absent = object()
    found = sorted(
        name for name in {*before, *now} if before.get(name, absent) is not now.get(name, absent)
    )
    more = [f"{len(found) - MOST_NAMES} more"] if len(found) > MOST_NAMES else []
    return ", ".join([*found[:MOST_NAMES], *more])


RARE = [
    RareSetting(sys.gettrace, Setting("the trace function", sys.settrace)),
    RareSetting(
        threading.gettrace,
        Setting("the trace function of threads", threading.settrace),
    ),
    RareSetting(
        threading.getprofile,
        Setting("the profile function of threads", threading.setprofile),
    ),
    RareSetting(
        lambda: [getattr(module, name) for module, name in HOOKS],
        Setting("the exception hooks", _write_hooks),
    ),
    RareSetting(
        lambda: tempfile.tempdir,
        Setting("the temporary folder", lambda one: setattr(tempfile, "tempdir", one)),
    ),
    RareSetting(
        _loggers,
        Setting(
            "loggers",
            _write_loggers,
            lambda before, now: ", ".join(_changed_loggers(before, now)[:MOST_NAMES]),
            lambda before, now: not _changed_loggers(before, now),
        ),
    ),
    RareSetting(
        lambda: multiprocessing.get_start_method(allow_none=True) or USUAL_START,
        Setting(
            "the start method of processes",
            lambda one: multiprocessing.set_start_method(one, force=True),
        ),
    ),
    RareSetting(
        lambda: asyncio.events._event_loop_policy,  # type: ignore[attr-defined] # noqa: SLF001
        Setting(
            "the event loop policy",
            asyncio.set_event_loop_policy,
            is_same=lambda before, now: before is now or (before is None and _is_usual(now)),
        ),
    ),
    RareSetting(lambda: (sys.argv, [*sys.argv]), Setting("sys.argv", _write_arguments)),
    RareSetting(
        lambda: ([*sys.meta_path], [*sys.path_hooks]),
        Setting("the module finders", _write_finders),
    ),
    RareSetting(
        lambda: [getattr(socket, name) for name in OF_SOCKET],
        Setting("the socket functions", _write_sockets),
    ),
    RareSetting(
        lambda: {**vars(builtins)},
        Setting("builtins", lambda one: write_variables(vars(builtins), one), named_differences),
    ),
]


def _is_usual(policy: Any) -> bool:
    """Return True for the event loop policy that Python sets by default at the first use."""
    return type(policy) is asyncio.DefaultEventLoopPolicy


def read_rarely() -> State:
    """Return the settings that may change during a turn: those of `read_all` and of `RARE`."""
    return [*read_all(), *[one.read() for one in RARE]]


known = [*QUICK, *SLOW, *(one.setting for one in RARE)]
around_turns = Settings(read_rarely, known)


def restore_after_turns(one: RareSetting) -> None:
    """Add a setting of a library to those that are restored after each turn.

    A turn is the work of one claim on a run. Call this function when the process starts.
    """
    RARE.append(one)
    known.append(one.setting)


def names_of_rare_settings(changed: Sequence[str]) -> list[str]:
    """Return the names among `changed` that belong to rarely changed settings.

    No step has reported these settings, because they are compared only once per turn.
    """
    names = tuple(one.setting.name for one in RARE)
    return [name for name in changed if name.startswith(names)]
