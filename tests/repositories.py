"""Git repositories for tests, made with the machine's git and nobody's configuration."""

import os
import subprocess
from pathlib import Path

IDENTITY = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ana Blum",
    "GIT_AUTHOR_EMAIL": "ana@example.org",
    "GIT_COMMITTER_NAME": "Ana Blum",
    "GIT_COMMITTER_EMAIL": "ana@example.org",
}


class Checkout:
    """A repository somebody works in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        return self.raw(*arguments, stdin=stdin).decode().strip()

    def raw(self, *arguments: str, stdin: bytes = b"") -> bytes:
        ended = subprocess.run(
            ["git", "-C", str(self.path), *arguments],  # noqa: S607 (the machine's git)
            input=stdin,
            env={"PATH": os.environ["PATH"], "HOME": os.devnull, **IDENTITY},
            check=True,
            capture_output=True,
        )
        return ended.stdout

    def commit(self, message: str | bytes, **files: str) -> str:
        """The new commit, with the message exactly as it is."""
        for name, content in files.items():
            (self.path / name).write_text(content)
        self.git("add", "--all")
        text = message if isinstance(message, bytes) else message.encode()
        options = ("--quiet", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim")
        self.git("commit", *options, "--file=-", stdin=text)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, message: str = "") -> None:
        self.git("tag", name, *(("--annotate", f"--message={message}") if message else ()))

    @property
    def tags(self) -> list[str]:
        return self.git("tag", "--list").split()

    def tag_text(self, name: str) -> str:
        return self.raw("cat-file", "tag", name).decode()

    def everything(self) -> dict[str, bytes]:
        """Every file below it, `.git` included."""
        files = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): path.read_bytes() for path in files}
