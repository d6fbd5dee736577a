"""How a line of the log looks, and what must not stand in it."""

import logging
import re

SIGN_IN_TOKEN = re.compile(r"(/sign-in/[^/\s]+/)[^\s'\"<>]+")

TERSE = ("celery.beat", "celery.worker", "kombu")
"""Tell of a lost broker or a killed child by pages of their own insides; the first line does."""
MESSAGES = "celery.worker.request"
"""Calls it critical when a message cannot be acknowledged, which harms nothing here."""


class LineFormatter(logging.Formatter):
    """News is the bare message; whatever is worse says how bad and where."""

    def format(self, record: logging.LogRecord) -> str:
        is_grave = record.levelno >= logging.CRITICAL and record.name != MESSAGES
        is_terse = record.name.startswith(TERSE) and not is_grave
        full = record.getMessage().partition("\n")[0] if is_terse else super().format(record)
        text = SIGN_IN_TOKEN.sub(r"\1***", full)
        if record.levelno <= logging.INFO:
            return text
        return f"{record.levelname} {record.name}: {text}"
