"""How a line of the log looks, and what must not stand in it."""

import logging
import re

SIGN_IN_TOKEN = re.compile(r"(/sign-in/[^/\s]+/)[^\s'\"<>]+")


class LineFormatter(logging.Formatter):
    """News is the bare message; whatever is worse says how bad and where."""

    def format(self, record: logging.LogRecord) -> str:
        text = SIGN_IN_TOKEN.sub(r"\1***", super().format(record))
        if record.levelno <= logging.INFO:
            return text
        return f"{record.levelname} {record.name}: {text}"
