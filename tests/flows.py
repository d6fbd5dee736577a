"""A folder of procedures that are files, for tests that edit them."""

import json
from pathlib import Path
from typing import Any

from procedures import registry

READER = "tests.list_reader.read_steps"
ROLES = {"start": "support", "answer": "finance", "operate": "operators"}


def flow(*steps: dict[str, str], name: str = "shoes", **more: Any) -> str:
    return json.dumps({"name": name, "roles": ROLES, "steps": steps, **more}, indent=1)


ASK, PACK, SEND = {"ask": "Send them back?"}, {"do": "pack"}, {"do": "send"}
BEFORE, AFTER = flow(ASK, PACK), flow(SEND, ASK, PACK, {"ask": "Really?"})


class Folder:
    """The files of the site, as one process after another finds them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def deploy(self, name: str = "shoes.json", text: str | bytes = BEFORE) -> None:
        """Write a file; whoever looks next is a process that has just begun."""
        self.write(name, text)
        self.restart()

    def remove(self, name: str = "shoes.json") -> None:
        (self.path / name).unlink()
        self.restart()

    def move(self, name: str, to: str) -> None:
        (self.path / name).replace(self.write(to, ""))
        self.restart()

    def restart(self) -> None:
        registry.forget()
        registry.register_all()
