"""A git repository, read and tagged without running programs that its configuration names."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 120
"""The maximum duration of one git command in seconds."""
MOST_NAMED = 3
NOTHING_RUNS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.sshCommand=false",
    "tag.gpgSign=false",
    "tag.forceSignAnnotated=false",
    "commit.gpgSign=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "protocol.ext.allow=never",
)
FILTERS = r"^filter\..*\.(clean|smudge|process|required)$"
"""A pattern for the names of git settings that run programs on files; we disable such settings."""
NOT_FOUND = 1
ISOLATION = {
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
"""Environment variables that make git ignore the configuration of the machine and of the user."""
OWN_PLACES = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")


class RepositoryError(Exception):
    """An error caused by the state of a repository; its message is for people."""


class GitError(RepositoryError):
    """A failed git command; the message contains the last line of its error output."""

    def __init__(self, command: str, status: int, words: str) -> None:
        self.status = status
        last = (words.strip().splitlines() or [f"exit status {status}"])[-1]
        super().__init__(f"git {command}: {last.removeprefix('fatal: ')}")


@dataclass(frozen=True)
class Tag:
    """A tag, and the commit to which it resolves."""

    name: str
    commit: str


@dataclass(frozen=True)
class Message:
    """The message of a commit."""

    commit: str
    text: str


class Repository:
    """A git checkout, given by its root folder.

    Raises `RepositoryError` for a path that isn't the root folder of a checkout.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path.resolve(), name
        # This is empty in calls before the filters are known; none of those calls reads a file's
        # content.
        self._filters: list[str] = []
        if not self.path.is_dir():
            raise RepositoryError(f"There is no repository at “{name}”: the folder is missing.")
        try:
            is_checkout = self._line("rev-parse", "--is-inside-work-tree") == "true"
        except GitError as error:
            raise RepositoryError(f"There is no repository at “{name}”: {error}.") from None
        if not is_checkout:
            raise RepositoryError(f"“{name}” is a bare repository, but a release needs a checkout.")
        keys = self._git("config", "--null", "--name-only", "--get-regexp", FILTERS, no=NOT_FOUND)
        self._filters = [key.decode(errors="surrogateescape") for key in keys.split(b"\0") if key]

    def head(self) -> str:
        """Return the hash of the checked-out commit, whether or not a branch points to it."""
        try:
            return self._line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except GitError:
            raise RepositoryError(f"“{self.name}” has no commits yet.") from None

    def check_clean(self) -> None:
        """Raise `RepositoryError` if files are changed or untracked.

        The error names the first ones.
        """
        status = ("status", "--porcelain", "-z", "--untracked-files=normal", "--no-renames")
        excludes = {"core.excludesFile": self._own_excludes()}
        found = self._text(*status, "--ignore-submodules=dirty", "--", settings=excludes)
        files = [line[3:] for line in found.split("\0") if line]
        if files:
            named = ", ".join(plain(file) for file in files[:MOST_NAMED])
            more = f" and {len(files) - MOST_NAMED} more" if len(files) > MOST_NAMED else ""
            raise RepositoryError(f"“{self.name}” has uncommitted changes: {named}{more}.")

    def _own_excludes(self) -> str:
        """Return the path of the global excludes file of the worker's user.

        Reading the path from git's configuration runs no program, and no other setting of the user
        is read.
        """
        command = ("config", "--includes", "--type=path", "--get", "core.excludesFile")
        own = {name: os.environ[name] for name in OWN_PLACES if name in os.environ}
        try:
            named = self._git(*command, no=NOT_FOUND, also=own, is_isolated=False)
        except GitError:  # a configuration that can't be read names nothing
            named = b""
        if path := os.fsdecode(named).strip("\n"):
            return path
        home = own.get("XDG_CONFIG_HOME") or str(Path(own.get("HOME", ""), ".config"))
        path = str(Path(home, "git", "ignore"))
        return path if Path(path).is_absolute() else ""  # else the repository would choose it

    @property
    def is_shallow(self) -> bool:
        return self._line("rev-parse", "--is-shallow-repository") == "true"

    def tags(self, *, reached_from: str = "") -> Iterator[Tag]:
        """Yield all tags, or only the tags in the history of the commit `reached_from`."""
        merged = (f"--merged={reached_from}",) if reached_from else ()
        form = "--format=%(refname:strip=2)%00%(objectname)%00%(*objectname)"
        for line in self._text("for-each-ref", *merged, form, "refs/tags").split("\n"):
            if line:
                name, own, led_to = line.split("\0")
                yield Tag(name, led_to or own)

    def messages(self, commit: str, *, since: str = "") -> list[Message]:
        """Return the messages of the commits in the history of `commit`, newest first.

        Merges are left out, and so are commits that are also in the history of `since`. Messages
        are decoded from any encoding.
        """
        chosen = (commit, f"^{since}") if since else (commit,)
        options = ("-z", "--no-merges", "--no-patch", "--no-color", "--encoding=UTF-8")
        text = self._text("log", *options, "--format=tformat:%H%x00%B", *chosen, "--")
        fields = text.split("\0")
        return [Message(*pair) for pair in zip(fields[::2], fields[1::2], strict=False)]

    def merged_by(self, merge: str, base: str) -> list[str]:
        """Return the hashes of the commits, except merges, that a merge added to its parent `base`.

        The list is empty if git knows no such commits.
        """
        try:
            return self._text("rev-list", "--no-merges", merge, f"^{base}", "--").split()
        except GitError:
            return []

    def create_tag(self, tag: str, commit: str, notes: str, *, tagger: tuple[str, str]) -> bool:
        """Tag the commit with exactly these notes; return False if this tag already exists.

        Raises `RepositoryError` if another tag has the same name.
        """
        if self._has_tag(tag, commit, notes):
            return False
        name, email = tagger
        options = ("--annotate", "--no-sign", "--cleanup=verbatim", "--file=-")
        identity = {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email}
        try:
            self._git("tag", *options, "--", tag, commit, stdin=notes.encode(), also=identity)
        except GitError:
            if not self._has_tag(tag, commit, notes):  # else another worker was faster
                raise
        return True

    def _has_tag(self, tag: str, commit: str, notes: str) -> bool:
        own = self._git("rev-parse", "--verify", "--quiet", f"refs/tags/{tag}", no=NOT_FOUND)
        if not own:
            return False
        found = own.decode().strip()
        if self._line("cat-file", "-t", found) == "tag":
            head, _, text = self._git("cat-file", "tag", found).partition(b"\n\n")
            if head.startswith(f"object {commit}\n".encode()) and text == notes.encode():
                return True
        raise RepositoryError(
            f"“{self.name}” already has a different tag {tag}. Nothing was changed."
        )

    @contextmanager
    def checked_out(self, commit: str) -> Iterator[Path]:
        """Check the commit out into a temporary folder that exists while the block runs."""
        form = self._line("rev-parse", "--show-object-format")
        objects = self._line("rev-parse", "--path-format=absolute", "--git-path", "objects")
        shallow = Path(self._line("rev-parse", "--path-format=absolute", "--git-path", "shallow"))
        with tempfile.TemporaryDirectory(prefix="release-", ignore_cleanup_errors=True) as made:
            folder = Path(made, "checkout")
            folder.mkdir()
            init = ("init", "--quiet", "--template=", f"--object-format={form}")
            self._git(*init, folder=folder)
            # The objects are borrowed. A clone would run the hooks and follow the configuration of
            # the repository.
            Path(folder, ".git", "objects", "info", "alternates").write_text(f"{objects}\n")
            if shallow.exists():
                Path(folder, ".git", "shallow").write_bytes(shallow.read_bytes())
            self._git("checkout", "--quiet", "--detach", commit, "--", folder=folder)
            yield folder

    def _line(self, *arguments: str) -> str:
        return self._text(*arguments).strip()

    def _text(self, *arguments: str, settings: Mapping[str, str] | None = None) -> str:
        return self._git(*arguments, settings=settings).decode(errors="replace")

    def _git(
        self,
        *arguments: str,
        stdin: bytes = b"",
        no: int = 0,
        folder: Path | None = None,
        also: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
        is_isolated: bool = True,
    ) -> bytes:
        """Run a git command and return its output.

        The exit status `no` isn't an error: it means that the command has found nothing.
        """
        place = folder or self.path
        chosen = _settings(place, settings or {})
        command = ["git", "--no-pager", "-C", str(place), *chosen, *arguments]
        isolation = ISOLATION if is_isolated else {}
        try:
            ended = subprocess.run(  # noqa: S603 (no shell; every word is ours or checked)
                command,
                input=stdin,
                capture_output=True,
                env={**_environment(place, self._filters), **isolation, **(also or {})},
                timeout=PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise RepositoryError("git isn't installed on this machine.") from None
        except subprocess.TimeoutExpired:
            raise RepositoryError(f"git {arguments[0]} took more than {PATIENCE} s.") from None
        if ended.returncode and ended.returncode != no:
            words = ended.stderr.decode(errors="replace")
            raise GitError(arguments[0], ended.returncode, words)
        return ended.stdout


def plain(text: str) -> str:
    """Return a text with "�" in place of each unprintable character, including line breaks."""
    return "".join(mark if mark.isprintable() else "�" for mark in text)


def _settings(place: Path, more: Mapping[str, str]) -> Iterator[str]:
    own = (f"{name}={value}" for name, value in more.items())
    for setting in (*NOTHING_RUNS, f"safe.directory={place}", *own):
        yield from ("-c", setting)


def _environment(place: Path, filters: Sequence[str]) -> Mapping[str, str]:
    """Return environment variables for git, without the worker's secrets.

    They also disable `filters`: settings that would run programs on files.
    """
    values = {key: "false" if key.endswith(".required") else "" for key in filters}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "GIT_CEILING_DIRECTORIES": str(place.parent),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(len(values)),
        **{f"GIT_CONFIG_KEY_{place}": key for place, key in enumerate(values)},
        **{f"GIT_CONFIG_VALUE_{place}": value for place, value in enumerate(values.values())},
    }
