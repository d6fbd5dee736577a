"""A common log of all parts; each line begins with the name of the part that wrote it."""

import os
from io import TextIOWrapper
from typing import TextIO

from dashboard.log_lines import without_controls

NAME_WIDTH = 8
COLOURS = {"redis": 35, "web": 36, "worker": 32, "clock": 34}


class Log:
    """The log in the terminal of the person who started the product."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_coloured = stream.isatty() and "NO_COLOR" not in os.environ
        if isinstance(stream, TextIOWrapper):  # a terminal that is not UTF-8 ends nothing
            stream.reconfigure(errors="replace")

    def say(self, name: str, line: str) -> None:
        label = f"{name:<{NAME_WIDTH}}"
        if self._is_coloured:
            label = f"\033[{COLOURS.get(name, 33)}m{label}\033[0m"
        self.write(f"{label}{without_controls(line)}")

    def write(self, text: str) -> None:
        """Print the text; do nothing if nobody can read it, as after the terminal was closed."""
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            # Python flushes the stream once more at its end, and would complain there about the
            # reader that went away.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
