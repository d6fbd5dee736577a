"""A cheap way to notice that a setting of the process has changed."""

import logging
import os
import signal
import sys
import time
import warnings
from _locale import LC_COLLATE, LC_CTYPE, LC_MESSAGES, LC_MONETARY, LC_NUMERIC, LC_TIME, setlocale
from _signal import getsignal  # type: ignore[import-not-found]
from csv import field_size_limit
from decimal import DefaultContext, getcontext
from gc import isenabled
from os import getcwdb
from os import umask as set_umask
from signal import ITIMER_REAL, getitimer
from socket import getdefaulttimeout
from sys import get_int_max_str_digits, getprofile, getrecursionlimit
from typing import Any

GONE = b""
"""The placeholder for a working directory that was deleted."""
USUAL = tuple(
    int(number)
    for name in (
        *("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGALRM", "SIGCHLD", "SIGPIPE", "SIGWINCH"),
        *("SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGTSTP", "SIGVTALRM", "SIGPROF"),
    )
    if (number := getattr(signal, name, None)) is not None
)
"""Signals that programs usually handle; the handlers of these signals are compared at each step."""
CATEGORIES = (LC_CTYPE, LC_NUMERIC, LC_TIME, LC_COLLATE, LC_MONETARY, LC_MESSAGES)


def glance() -> tuple[Any, ...]:
    """Return the process settings that a step may change, in a form that is only for comparing.

    The function is called twice per step. Most of the function's time goes into loading memory that
    has left the processor's cache since the step before. So the function touches as little memory
    as possible: it copies nothing, decodes nothing long, reads no property, and imports the
    functions it calls by name. The locale is read category by category, because the name of one
    category is short and the name of the whole locale is long. The C module `_signal` returns a
    signal handler twenty times as fast as `signal.getsignal`.
    """
    global umask  # noqa: PLW0603 (the umask can be read only by setting it)
    # No call only reads the umask. Usually this one sets the value that is already set.
    if (mask := set_umask(umask)) != umask:
        set_umask(mask)
        umask = mask
    try:
        folder = getcwdb()  # noqa: PTH109
    except FileNotFoundError:
        folder = GONE
    filters, root, now, later = warnings.filters, logging.root, getcontext(), DefaultContext
    return (
        folder, mask, time.tzname, getdefaulttimeout(),
        os.environ._data,  # type: ignore[attr-defined] # noqa: SLF001
        [*map(setlocale, CATEGORIES)], [*map(getsignal, USUAL)], getitimer(ITIMER_REAL)[0] > 0,
        # A `catch_warnings` that was never exited has replaced the list by an equal one.
        id(filters), filters, warnings.showwarning,
        warnings._showwarnmsg_impl,  # type: ignore[attr-defined] # noqa: SLF001
        root.level, root.handlers, root.disabled,
        root.manager._disable,  # type: ignore[attr-defined] # noqa: SLF001
        sys.path, sys.stdin, sys.stdout, sys.stderr, getprofile(), isenabled(),
        getrecursionlimit(), get_int_max_str_digits(), field_size_limit(),
        # All fields but the flags, which every computation sets.
        now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp, later.prec,
        later.rounding, later.Emin, later.Emax, later.capitals, later.clamp,
        now.traps, later.traps,
    )  # fmt: skip


class SettingsCopy:
    """A copy of the settings that `glance` returned, which doesn't change when a setting does."""

    def __init__(self) -> None:
        self._contexts = getcontext().copy(), DefaultContext.copy()  # these own the traps
        traps = (one.traps for one in self._contexts)
        self.shown = (*map(_copied, glance()[:-2]), *traps)


def _copied(one: Any) -> Any:
    if isinstance(one, dict):
        return {**one}
    return [*one] if isinstance(one, list) else one


umask = os.umask(0o077)
os.umask(umask)
