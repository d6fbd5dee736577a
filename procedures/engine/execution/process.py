"""The settings shared by all code in a process: how they are read and restored."""

import _locale
import _signal  # type: ignore[import-not-found]
import csv
import decimal
import gc
import locale
import logging
import operator
import os
import resource
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Self

from procedures.engine.execution.glance import USUAL, SettingsCopy, glance

MAIN = threading.main_thread().ident
MOST_NAMES = 5
SIGNALS = tuple(sorted(int(one) for one in signal.valid_signals()))
BOUNDED = tuple(
    kind
    for name in ("AS", "CORE", "CPU", "DATA", "NOFILE", "NPROC", "STACK")
    if (kind := getattr(resource, f"RLIMIT_{name}", None)) is not None
)


class Setting(NamedTuple):
    """One setting of the process, such as the working directory.

    A `Settings` object lists its settings in the same order in which a `State` lists their values.
    """

    name: str
    """The setting's name as it reads within a sentence, for example "the working directory"."""
    write: Callable[[Any], object]
    """A function that sets the setting to an earlier value; it may raise if the system refuses."""
    describe: Callable[[Any, Any], str] = lambda _before, _now: ""
    """A function that returns the names of the parts of the setting that have changed.

    For example, the function returns the names of changed environment variables. The function never
    returns values, which may be secret.
    """
    is_same: Callable[[Any, Any], bool] = operator.eq
    """A function that returns True if the current value needn't be restored to an earlier value."""


class ChangedSettings(NamedTuple):
    """The names of the settings that an author's code changed.

    `stuck` lists those of them that couldn't be restored.
    """

    changed: list[str]
    stuck: list[str]
    """The changed settings that couldn't be restored."""

    @classmethod
    def joined(cls, several: Sequence[Self]) -> Self:
        changed = [name for one in several for name in one.changed]
        return cls(changed, [name for one in several for name in one.stuck])


State = Sequence[Any]
"""The values of a group of settings; two states are equal if no setting changed in between."""


class Settings(NamedTuple):
    """A group of process settings that are read together."""

    read: Callable[[], State]
    """A function that returns the current values of the settings."""
    settings: Sequence[Setting]

    def set_back(self, before: State) -> ChangedSettings:
        """Restore the values in `before`, which `read` returned earlier. Never raises."""
        now, names = self.read(), dict[int, str]()
        if now == before:
            return ChangedSettings([], [])
        for place, setting in enumerate(self.settings):
            if setting.is_same(before[place], now[place]):
                continue
            which = setting.describe(before[place], now[place])
            names[place] = f"{setting.name} ({which})" if which else setting.name
            # Restore each setting separately: one that the system refuses must not prevent the
            # others.
            with suppress(Exception):
                setting.write(before[place])
        # Read the settings again, because a setter may return without having set anything.
        after = self.read()
        stuck = [
            name
            for place, name in names.items()
            if not self.settings[place].is_same(before[place], after[place])
        ]
        return ChangedSettings([*names.values()], stuck)


class LastGlance(NamedTuple):
    """The latest result of `glance`, with the state that was read at the same time."""

    held: SettingsCopy
    state: State


def read_quickly() -> State:
    """Return the values of the settings that a step may change.

    As long as no value changes, each call returns the same object.
    """
    global seen  # noqa: PLW0603 (each reading is compared with the last one)
    last = seen
    if glance() != last.held.shown:
        held = SettingsCopy()
        seen = last = LastGlance(held, _read(held))
    return last.state


def _read(held: SettingsCopy) -> State:
    """Return the values of the settings in `held`, in the form that can be restored."""
    root, filters = logging.root, warnings.filters
    numbers, default = decimal.getcontext().__reduce__()[1], decimal.DefaultContext.__reduce__()[1]
    folder, mask, zone, timeout, variables, *_ = held.shown
    return [
        folder,
        mask,
        variables,
        zone,
        _locale.setlocale(locale.LC_ALL),
        timeout,
        (id(filters), filters, [*filters], warnings.showwarning, warnings._showwarnmsg_impl),  # type: ignore[attr-defined] # noqa: SLF001
        (root.level, root.manager.disable, [*root.handlers], root.disabled),
        (sys.path, [*sys.path]),
        sys.getrecursionlimit(),
        sys.get_int_max_str_digits(),
        (sys.stdin, sys.stdout, sys.stderr),
        gc.isenabled(),
        csv.field_size_limit(),
        sys.getprofile(),
        [*map(_signal.getsignal, USUAL)],
        signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        (numbers[:6], numbers[7]),
        (default[:6], default[7]),
    ]


def read_all() -> State:
    """Return the values of all settings that are compared once per claim.

    These are the settings that `read_quickly` reads, and the settings in `SLOW`.
    """
    return [
        *read_quickly(),
        [*map(_signal.getsignal, SIGNALS)],
        signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        (os.geteuid(), os.getegid()),
        os.getpriority(os.PRIO_PROCESS, 0),
        [*map(resource.getrlimit, BOUNDED)],
        sys.getswitchinterval(),
        gc.get_threshold(),
    ]


held = SettingsCopy()
seen = LastGlance(held, _read(held))


Variables = Mapping[bytes, bytes]


def _write_variables(before: Variables) -> None:
    for name in [one for one in os.environb if one not in before]:
        del os.environb[name]
    os.environb.update(
        {name: value for name, value in before.items() if os.environb.get(name) != value}
    )


def _differing_variables(before: Variables, now: Variables) -> str:
    names = {*before, *now}
    found = sorted(os.fsdecode(name) for name in names if before.get(name) != now.get(name))
    more = [f"{len(found) - MOST_NAMES} more"] if len(found) > MOST_NAMES else []
    return ", ".join([*found[:MOST_NAMES], *more])


def _write_warnings(before: Any) -> None:
    _, held, filters, warnings.showwarning, warnings._showwarnmsg_impl = before  # type: ignore[attr-defined] # noqa: SLF001
    with warnings.catch_warnings():  # on exit, Python forgets which filters it has applied
        pass
    # Restore the contents of the list and then the list itself, because code may hold a reference
    # to either.
    held[:] = filters
    warnings.filters = held


def _write_logging(before: Any) -> None:
    root = logging.root
    level, disabled, handlers, root.disabled = before
    root.setLevel(level)
    logging.disable(disabled)
    root.handlers[:] = handlers


def _write_path(before: Any) -> None:
    sys.path, found = before
    sys.path[:] = found


def _write_streams(before: Any) -> None:
    sys.stdin, sys.stdout, sys.stderr = before


def _write_collecting(before: bool) -> None:  # noqa: FBT001 (every `write` is called this way)
    (gc.enable if before else gc.disable)()


def _handlers(numbers: Sequence[int]) -> Setting:
    """Return a setting for the handlers of these signals, which only the main thread can set."""

    def write(before: Any) -> None:
        for number, handler in zip(numbers, before, strict=True):
            if _signal.getsignal(number) != handler:
                signal.signal(number, handler)

    def describe(before: Any, now: Any) -> str:
        pairs = zip(numbers, before, now, strict=True)
        return ", ".join(_name_of(number) for number, one, two in pairs if one != two)

    def is_same(before: Any, now: Any) -> bool:
        # Python sets handlers only in the main thread; in another thread, none could be restored.
        return before == now or threading.get_ident() != MAIN

    return Setting("signal handlers", write, describe, is_same)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"


def _disarm_timer(_before: bool) -> None:  # noqa: FBT001
    signal.setitimer(signal.ITIMER_REAL, 0)


def _is_as_armed(before: bool, now: bool) -> bool:  # noqa: FBT001
    """Return False if the main thread has an alarm timer now and had none before.

    Only such a timer has to be stopped.
    """
    return before or not now or threading.get_ident() != MAIN


def _write_users(before: Any) -> None:
    user, group = before
    os.seteuid(user)
    os.setegid(group)


def _write_bounds(before: Any) -> None:
    for kind, bounds in zip(BOUNDED, before, strict=True):
        if resource.getrlimit(kind) != bounds:
            resource.setrlimit(kind, bounds)


def _set_numbers(context: decimal.Context, numbers: Any) -> None:
    (context.prec, context.rounding, context.Emin, context.Emax, *_), traps = numbers
    *_, context.capitals, context.clamp = numbers[0]
    for signal_of in context.traps:
        context.traps[signal_of] = signal_of in traps


QUICK = (
    Setting("the working directory", os.chdir),
    Setting("the umask", os.umask),
    Setting("os.environ", _write_variables, _differing_variables),
    Setting("the C library's time zone", lambda _: time.tzset()),
    Setting("the locale", lambda before: locale.setlocale(locale.LC_ALL, before)),
    Setting("the default socket timeout", socket.setdefaulttimeout),
    Setting("the warning filters", _write_warnings),
    Setting("the root logger", _write_logging),
    Setting("sys.path", _write_path),
    Setting("the recursion limit", sys.setrecursionlimit),
    Setting("the digit limit of int", sys.set_int_max_str_digits),
    Setting("the standard streams", _write_streams),
    Setting("the garbage collector", _write_collecting),
    Setting("the field size limit of csv", csv.field_size_limit),
    Setting("the profile function", sys.setprofile),
    _handlers(USUAL),
    Setting("the alarm timer", _disarm_timer, is_same=_is_as_armed),
    Setting("the decimal context", lambda before: _set_numbers(decimal.getcontext(), before)),
    Setting("decimal.DefaultContext", lambda before: _set_numbers(decimal.DefaultContext, before)),
)
"""The settings whose values `read_quickly` returns, in the same order."""
SLOW = (
    _handlers(SIGNALS),
    Setting("the blocked signals", partial(signal.pthread_sigmask, signal.SIG_SETMASK)),
    Setting("the effective user and group", _write_users),
    Setting("the priority", partial(os.setpriority, os.PRIO_PROCESS, 0)),
    Setting("the resource limits", _write_bounds),
    Setting("the thread switch interval", sys.setswitchinterval),
    Setting("the garbage collector's thresholds", lambda before: gc.set_threshold(*before)),
)
"""The settings whose values `read_all` returns after those of `QUICK`, in the same order."""

around_steps = Settings(read_quickly, QUICK)
