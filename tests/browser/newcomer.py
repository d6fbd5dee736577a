"""Somebody who has read the README and nothing else: an empty folder, an empty home."""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from playwright.sync_api import Page

from tests.processes import Process, free_port

READY = "Ctrl-C stops everything."
LINK = re.compile(r"^  (\w+) .* (http://\S+/sign-in/\S+)$", re.MULTILINE)
MACHINE = re.compile(r"PATH|LANG|LC_\w+|PIP_\w+|UV_\w+|SSL_\w+|\w+_proxy", re.IGNORECASE)
"""The environment variables of the machine, not of a person: also those for package downloads."""


class Newcomer(Process):
    """Types two commands and clicks; both are counted, and the time from the first on."""

    patience = 300

    def __init__(self, folder: Path, source: Path) -> None:
        port, home = free_port(), folder / "home"
        home.mkdir()
        self.bare = ("env", "-i", f"HOME={home}", *machine_variables())
        self.commands = ("git", "clone", str(source), "countersign"), ("make", "run")
        super().__init__("newcomer", *self.bare, *self.commands[1], f"PORT={port}")
        self.folder = folder
        self.options = {"cwd": folder / "countersign"}
        self.clicks: list[str] = []
        self.began = time.monotonic()

    def start(self) -> Self:
        self.began = time.monotonic()
        clone = [*self.bare, *self.commands[0]]
        subprocess.run(clone, cwd=self.folder, check=True, capture_output=True)
        return super().start()

    def stop(self, timeout: float = 60) -> None:
        """End it like Ctrl-C."""
        self._signal(signal.SIGINT)
        self._wait_for_the_end(timeout)

    def is_ready(self) -> bool:
        return READY in self.output

    def open_link(self, page: Page, name: str) -> None:
        """A click, too: on what the terminal shows."""
        self.clicks.append(f"the link of {name}")
        page.goto(dict(LINK.findall(self.output))[name])

    def click(self, page: Page, button: str) -> None:
        self.clicks.append(button)
        page.get_by_role("button", name=button, exact=True).click()

    def so_far(self, what: str) -> str:
        commands, clicks = len(self.commands), len(self.clicks)
        return f"{what}: {commands} commands, {clicks} clicks, {self.seconds:.1f} s"

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    @property
    def story(self) -> list[str]:
        typed = [f"  $ {shlex.join(command)}" for command in self.commands]
        return [*typed, *(f"  click: {name}" for name in self.clicks)]


def machine_variables() -> Iterator[str]:
    return (f"{name}={value}" for name, value in os.environ.items() if MACHINE.fullmatch(name))
