"""The format of log lines, which contain neither secrets nor control characters."""

import logging
import re

from procedures.engine.values.secrecy import masked

SIGN_IN_TOKEN = re.compile(r"(/sign-in/[^/\s]+/)[^\s'\"<>]+")

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""The characters that end a line or control a terminal."""
MORE = "    "
"""The indentation of the lines of a traceback, so that none of them looks like a new log entry."""

TERSE = ("celery.beat", "celery.worker", "kombu", "django.security")
"""The name prefixes of loggers whose errors are cut to their first line.

These loggers report a lost broker, a dead child process or an unknown Host with long tracebacks.
"""
MESSAGES = "celery.worker.request"
"""A logger that logs unacknowledged messages as critical, although losing them is harmless here."""


class LineFormatter(logging.Formatter):
    """A formatter that adds the level and the logger to messages above the level INFO."""

    def format(self, record: logging.LogRecord) -> str:
        is_grave = record.levelno >= logging.CRITICAL and record.name != MESSAGES
        is_terse = record.name.startswith(TERSE) and not is_grave
        first, *rest = message_lines(record)
        if is_terse:
            return self._line(record, first.partition("\n")[0])
        trace = record.exc_text or ""
        if record.exc_info and not trace:
            trace = self.formatException(record.exc_info)
        stack = self.formatStack(record.stack_info) if record.stack_info else ""
        details = [*rest, *trace.split("\n"), *stack.split("\n")]
        more = [MORE + clean(line) for line in details if line]
        return "\n".join([self._line(record, first), *more])

    def _line(self, record: logging.LogRecord, message: str) -> str:
        text = clean(message)
        if record.levelno <= logging.INFO:
            return text
        return f"{record.levelname} {record.name}: {text}"


def message_lines(record: logging.LogRecord) -> list[str]:
    r"""Return the lines of a log message.

    Only line breaks in the message's format separate lines. Those in its arguments are replaced by
    codes such as \n, so that foreign text can't begin a line.
    """
    if not record.args or "\n" not in str(record.msg):
        return [record.getMessage()]
    plain = logging.makeLogRecord({**vars(record)})
    if isinstance(record.args, tuple):
        plain.args = tuple(clean(one) if isinstance(one, str) else one for one in record.args)
    return plain.getMessage().split("\n")


def clean(text: str) -> str:
    r"""Return a text as one line without secrets; a control character becomes a code such as \n."""
    return without_controls(masked(SIGN_IN_TOKEN.sub(r"\1***", text)))


def without_controls(text: str) -> str:
    r"""Return a text as one line; a control character except a tab becomes a code such as \n."""
    return CONTROL.sub(lambda found: _written_out(found[0]), text)


def _written_out(character: str) -> str:
    return character if character == "\t" else character.encode("unicode_escape").decode()
