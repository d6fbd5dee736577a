"""Settings of a process, each as a step changes it and as code meets it."""

import _locale
import asyncio
import builtins
import csv
import decimal
import gc
import io
import locale
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from contextvars import ContextVar
from decimal import ROUND_UP, Decimal
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings as django_settings
from django.utils import timezone, translation

TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")
CURRENT: ContextVar[str] = ContextVar("current")


class Change(NamedTuple):
    """One setting, as a step changes it and as code meets it."""

    change: Callable[[], object]
    look: Callable[[], Any]
    told: str
    """The words for it in the journal's warning."""


class OwnPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes the loops of a library."""


class NoFinder:
    """Finds no module."""

    def find_spec(self, *_: Any, **__: Any) -> None:
        """Leave each module to the other finders."""


def _swallow_signal(_number: int, _frame: Any) -> None:
    """Stands for a handler of a library's."""


def _traps() -> str:
    try:
        return str(Decimal(1) / Decimal(0))
    except decimal.DivisionByZero:
        return "refused"


def _warned() -> str:
    try:
        warnings.warn("An experiment.", UserWarning, stacklevel=1)
    except UserWarning:
        return "raised"
    return "let pass"


def _ignore_in_a_block() -> None:
    warnings.catch_warnings().__enter__()
    warnings.simplefilter("ignore")


def _show_nothing(*_: Any, **__: Any) -> None:
    """Stands for what shows warnings in a window."""


def _mode() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "new")
        path.touch()
        return oct(path.stat().st_mode & 0o777)


def _set_zone() -> None:
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()


def _set_zone_secretly() -> None:
    before = os.environ["TZ"]  # Django has set it
    _set_zone()
    os.environ["TZ"] = before


def _in_thread() -> str:
    with ThreadPoolExecutor() as pool:
        return pool.submit(lambda: str(Decimal(1) / 3)).result()


def _change_from_thread() -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(os.chdir, "/").result()


def _redirect() -> None:
    redirect_stdout(io.StringIO()).__enter__()


def _third() -> str:
    return str(Decimal(1) / 3)


def _timer() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


CHANGES = {
    "precision": Change(
        lambda: setattr(decimal.getcontext(), "prec", 5), _third, "the decimal context"
    ),
    "rounding": Change(
        lambda: setattr(decimal.getcontext(), "rounding", ROUND_UP),
        lambda: str(Decimal("0.125").quantize(Decimal("0.01"))),
        "the decimal context",
    ),
    "traps": Change(
        lambda: decimal.getcontext().traps.update({decimal.DivisionByZero: False}),
        _traps,
        "the decimal context",
    ),
    "another decimal context": Change(
        lambda: decimal.setcontext(decimal.Context(prec=3)), _third, "the decimal context"
    ),
    "default decimal context": Change(
        lambda: setattr(decimal.DefaultContext, "prec", 4), _in_thread, "decimal.DefaultContext"
    ),
    "language": Change(
        lambda: translation.activate("de"), translation.get_language, "Django's language"
    ),
    "no language": Change(
        translation.deactivate_all, translation.get_language, "Django's language"
    ),
    "time zone": Change(
        lambda: timezone.activate("Asia/Tokyo"),
        timezone.get_current_timezone_name,
        "Django's time zone",
    ),
    "context variable": Change(
        lambda: TENANT.set("acme"), TENANT.get, "the context variable tenant"
    ),
    "new context variable": Change(
        lambda: CURRENT.set("acme"), lambda: CURRENT.get("none"), "the context variable current"
    ),
    "locale": Change(
        lambda: locale.setlocale(locale.LC_ALL, "POSIX"),
        lambda: _locale.setlocale(locale.LC_ALL),
        "the locale",
    ),
    "one category": Change(
        lambda: locale.setlocale(locale.LC_CTYPE, "C"),
        lambda: _locale.setlocale(locale.LC_CTYPE),
        "the locale",
    ),
    "folder": Change(lambda: os.chdir("/"), os.getcwd, "the working directory"),
    "folder by a thread": Change(_change_from_thread, os.getcwd, "the working directory"),
    "umask": Change(lambda: os.umask(0o077), _mode, "the umask"),
    "new variable": Change(
        lambda: os.environ.update(HTTP_PROXY="http://u:hunter2@proxy"),
        lambda: os.environ.get("HTTP_PROXY"),
        "os.environ (HTTP_PROXY)",
    ),
    "removed variable": Change(
        lambda: os.environ.pop("PATH"), lambda: os.environ.get("PATH"), "os.environ (PATH)"
    ),
    "C's time zone": Change(_set_zone, lambda: time.tzname, "os.environ (TZ)"),
    "C's time zone only": Change(
        _set_zone_secretly, lambda: time.tzname, "the C library's time zone"
    ),
    "socket timeout": Change(
        lambda: socket.setdefaulttimeout(0.001),
        socket.getdefaulttimeout,
        "the default socket timeout",
    ),
    "warnings ignored": Change(
        lambda: warnings.simplefilter("ignore"), _warned, "the warning filters"
    ),
    "warnings ignored in a block": Change(_ignore_in_a_block, _warned, "the warning filters"),
    "warnings shown": Change(
        lambda: setattr(warnings, "showwarning", _show_nothing),
        lambda: warnings.showwarning.__name__,
        "the warning filters",
    ),
    "all warnings reset": Change(
        warnings.resetwarnings, lambda: len(warnings.filters), "the warning filters"
    ),
    "ignored signal": Change(
        lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        lambda: str(signal.getsignal(signal.SIGTERM)),
        "signal handlers (SIGTERM)",
    ),
    "handled signals": Change(
        lambda: [signal.signal(one, _swallow_signal) for one in (signal.SIGINT, signal.SIGUSR1)],
        lambda: str(signal.getsignal(signal.SIGUSR1)),
        "signal handlers (SIGINT, SIGUSR1)",
    ),
    "alarm": Change(lambda: signal.alarm(1000), _timer, "the alarm timer"),
    "sys.path": Change(lambda: sys.path.insert(0, "/nowhere"), lambda: sys.path[0], "sys.path"),
    "new sys.path": Change(
        lambda: setattr(sys, "path", [*sys.path, "/nowhere"]), lambda: sys.path[-1], "sys.path"
    ),
    "recursion": Change(
        lambda: sys.setrecursionlimit(12_345), sys.getrecursionlimit, "the recursion limit"
    ),
    "digits": Change(
        lambda: sys.set_int_max_str_digits(1_000),
        sys.get_int_max_str_digits,
        "the digit limit of int",
    ),
    "log level": Change(
        lambda: logging.getLogger().setLevel(5),
        lambda: logging.getLogger().level,
        "the root logger",
    ),
    "no logging": Change(
        lambda: logging.disable(logging.CRITICAL),
        lambda: logging.getLogger("shop").isEnabledFor(logging.CRITICAL),
        "the root logger",
    ),
    "log handler": Change(
        lambda: logging.getLogger().addHandler(logging.NullHandler()),
        lambda: len(logging.getLogger().handlers),
        "the root logger",
    ),
    "output": Change(_redirect, lambda: type(sys.stdout).__name__, "the standard streams"),
    "table": Change(
        lambda: csv.field_size_limit(7), csv.field_size_limit, "the field size limit of csv"
    ),
    "profile": Change(
        lambda: sys.setprofile(_show_nothing), sys.getprofile, "the profile function"
    ),
    "collector": Change(gc.disable, gc.isenabled, "the garbage collector"),
}

OF_TURNS = {
    "threads": Change(lambda: sys.setswitchinterval(0.5), sys.getswitchinterval, ""),
    "blocked signal": Change(
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}),
        lambda: len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "",
    ),
    "rare signal": Change(
        lambda: signal.signal(signal.SIGRTMIN, signal.SIG_IGN),
        lambda: str(signal.getsignal(signal.SIGRTMIN)),
        "",
    ),
    "open files": Change(
        lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (99, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        ),
        lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "",
    ),
    "trace": Change(lambda: sys.settrace(_show_nothing), sys.gettrace, "the trace function"),
    "trace of threads": Change(
        lambda: threading.settrace(_show_nothing),
        threading.gettrace,
        "the trace function of threads",
    ),
    "profile of threads": Change(
        lambda: threading.setprofile(_show_nothing),
        threading.getprofile,
        "the profile function of threads",
    ),
    "error hook": Change(
        lambda: setattr(sys, "excepthook", _show_nothing),
        lambda: sys.excepthook is _show_nothing,
        "the exception hooks",
    ),
    "temporary files": Change(
        lambda: setattr(tempfile, "tempdir", "/nowhere"),
        tempfile.gettempdir,
        "the temporary folder",
    ),
    "logger": Change(
        lambda: logging.getLogger("procedures").setLevel(logging.CRITICAL),
        lambda: logging.getLogger("procedures").level,
        "loggers (procedures)",
    ),
    "handler of a logger": Change(
        lambda: logging.getLogger("procedures").addHandler(logging.NullHandler()),
        lambda: len(logging.getLogger("procedures").handlers),
        "loggers (procedures)",
    ),
    "start method": Change(
        lambda: multiprocessing.set_start_method("spawn", force=True),
        multiprocessing.get_start_method,
        "the start method of processes",
    ),
    "loop policy": Change(
        lambda: asyncio.set_event_loop_policy(OwnPolicy()),
        lambda: type(asyncio.get_event_loop_policy()).__name__,
        "the event loop policy",
    ),
    "arguments": Change(lambda: sys.argv.append("--force"), lambda: sys.argv[-1], "sys.argv"),
    "finder": Change(
        lambda: sys.meta_path.insert(0, NoFinder()),
        lambda: type(sys.meta_path[0]).__name__,
        "the module finders",
    ),
    "socket": Change(
        lambda: setattr(socket, "create_connection", _show_nothing),
        lambda: socket.create_connection.__name__,
        "the socket functions",
    ),
    "built-in function": Change(
        lambda: setattr(builtins, "print", _show_nothing),
        lambda: print is _show_nothing,
        "builtins (print)",
    ),
    "Django setting": Change(
        lambda: setattr(django_settings, "DEFAULT_CHARSET", "latin-1"),
        lambda: django_settings.DEFAULT_CHARSET,
        "Django's settings (DEFAULT_CHARSET)",
    ),
}
ALL = CHANGES | OF_TURNS
