"""Git repositories for tests, made with the machine's git and nobody's configuration."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

IDENTITY = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ana Blum",
    "GIT_AUTHOR_EMAIL": "ana@example.org",
    "GIT_COMMITTER_NAME": "Ana Blum",
    "GIT_COMMITTER_EMAIL": "ana@example.org",
}
Environment = Mapping[str, str]
NOTHING: Environment = MappingProxyType({})


class Checkout:
    """A repository somebody works in."""

    def __init__(self, path: Path, *, source: Path | None = None) -> None:
        """An empty one, or a clone; without tags, since not every checkout of ours has them."""
        self.path = path
        path.mkdir(parents=True)
        if source:
            self.git("clone", "--quiet", "--no-tags", str(source), ".", also=trusting(path))
        else:
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"", also: Environment = NOTHING) -> str:
        return self.raw(*arguments, stdin=stdin, also=also).decode().strip()

    def raw(self, *arguments: str, stdin: bytes = b"", also: Environment = NOTHING) -> bytes:
        ended = subprocess.run(
            ["git", "-C", str(self.path), *arguments],  # noqa: S607 (the machine's git)
            input=stdin,
            env={"PATH": os.environ["PATH"], "HOME": os.devnull, **IDENTITY, **also},
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

    def tag(self, name: str, message: str = "", *, commit: str = "HEAD") -> None:
        what = ("--annotate", f"--message={message}") if message else ()
        self.git("tag", name, *what, commit)

    @property
    def first_commit(self) -> str:
        """The oldest there is; in a shallow clone it may be the newest, too."""
        return self.git("rev-list", "--max-parents=0", "HEAD").split()[-1]

    @property
    def tags(self) -> list[str]:
        return self.git("tag", "--list").split()

    def tag_text(self, name: str) -> str:
        return self.raw("cat-file", "tag", name).decode()

    def everything(self) -> dict[str, bytes]:
        """Every file below it, `.git` included."""
        files = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): path.read_bytes() for path in files}


def trusting(path: Path) -> Environment:
    """The environment in which git accepts a repository of another account, as for checks."""
    config = path.with_name(f"{path.name}.gitconfig")
    config.write_text("[safe]\n  directory = *\n")
    return {"GIT_CONFIG_GLOBAL": str(config)}
