"""The check of a release: run apart, told while it runs, ended with its step."""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from examples import checks
from examples.checks import cleaned
from procedures.engine.journal.events import EventKind
from tests.processes import wait_until
from tests.releases import (
    choose,
    contents,
    output_of,
    result_of,
    review,
    start,
    store_for,
)
from tests.repositories import Checkout


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit("Begin", shop="committed")
    return checkout


def checked(shop: Checkout, code: str, *more: str) -> tuple[dict[str, Any], bytes, list[str]]:
    """The check in the result, its output, and what it said meanwhile."""
    store = store_for(shop, [sys.executable, "-u", "-c", code, *more])
    run_id = start(store)
    choose(store, run_id, "minor")
    review(store, run_id)
    said = [line["text"] for line in contents(store, run_id, EventKind.PROGRESS)]
    [kept] = [
        step["result"]
        for step in contents(store, run_id, EventKind.STEP_SUCCEEDED)
        if "passed" in step["result"]
    ]
    assert result_of(store, run_id).get("check", kept) == kept
    return kept, output_of(store, run_id), said


def test_its_output_is_kept_and_told(shop: Checkout) -> None:
    kept, output, said = checked(shop, "print('one'); print('two')")

    assert kept["passed"]
    assert output == b"one\ntwo\n"
    assert "\n".join(said).split() == ["one", "two"]


def test_it_sees_exactly_the_commit_that_was_read(shop: Checkout) -> None:
    store = store_for(shop, [sys.executable, "-c", "print(open('shop').read())"])
    run_id = start(store)
    choose(store, run_id, "minor")
    (shop.path / "shop").write_text("changed meanwhile")
    review(store, run_id)

    assert output_of(store, run_id) == b"committed\n"


def test_it_may_use_git_and_leaves_nothing_behind(shop: Checkout) -> None:
    before = shop.everything()
    code = "import os; open('made', 'w'); os.execlp('git', 'git', 'log', '--format=%s')"

    kept, output, _ = checked(shop, code)

    assert kept["passed"]
    assert output == b"Begin\n"
    assert shop.everything() == before


def test_it_sees_none_of_the_workers_secrets(
    shop: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for checks")
    monkeypatch.setenv("DATABASE_URL", "postgres://u:not-for-checks@h/n")

    _, output, _ = checked(shop, "import os; print(sorted(os.environ), os.environ.values())")

    assert b"PATH" in output
    assert b"not for checks" not in output
    assert b"not-for-checks" not in output


def test_no_shell_reads_the_command(shop: Checkout) -> None:
    _, output, _ = checked(shop, "import sys; print(sys.argv[1:])", "$HOME;", "*")

    assert output == b"['$HOME;', '*']\n"


def test_a_program_that_is_not_there_fails_the_check(shop: Checkout) -> None:
    store = store_for(shop, ["no-such-program"])
    run_id = start(store)
    choose(store, run_id, "minor")
    review(store, run_id)

    assert result_of(store, run_id)["reason"].endswith(
        "\nno-such-program can't be started: No such file or directory"
    )


def test_what_is_no_utf_8_and_what_is_coloured_can_be_read(shop: Checkout) -> None:
    code = r"import os; os.write(1, b'\x1b[31mred\x1b[0m caf\xe9 a\r\nb\0')"

    _, output, said = checked(shop, code)

    assert output.decode() == "red caf� a\nb"
    assert "".join(said).endswith("b")


def test_of_much_output_the_last_megabyte_is_kept(shop: Checkout) -> None:
    code = "for n in range(40000): print('line', n, 'x' * 100)\nraise SystemExit(1)"

    kept, output, said = checked(shop, code)

    first, rest = output.split(b"\n", 1)
    assert len(rest) <= checks.MOST_OUTPUT
    assert first.endswith(b" bytes are omitted)")
    assert kept["tail"].splitlines()[-1].startswith("line 39999 ")
    assert len(kept["tail"]) <= checks.LONGEST_TAIL
    assert len(said) < 50


def test_a_line_without_an_end_does_not_fill_the_memory(shop: Checkout) -> None:
    code = "import os\nfor n in range(100): os.write(1, b'x' * 100_000)"

    _, output, _ = checked(shop, code)

    assert len(output) < checks.MOST_OUTPUT + 100


def test_what_it_leaves_running_is_ended(shop: Checkout, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    sleeper = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    code = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {sleeper!r}])\n"
        f"while not os.path.exists({str(pid)!r}) or not open({str(pid)!r}).read():\n"
        "    time.sleep(0.01)"
    )

    kept, _, _ = checked(shop, code)

    assert kept["passed"]
    wait_until(lambda: not is_alive(int(pid.read_text())), what="the sleeper to end")


def test_a_check_ends_with_its_worker_also_when_that_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    sleeper = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from procedures.engine import Step\n"
        "from examples.checks import run_check\n"
        "run_check('tests', sys.argv[1], Path('/'), Step('check', 'check', 1))"
    )
    command = shlex.join([sys.executable, "-c", sleeper])
    worker = subprocess.Popen([sys.executable, "-c", code, command])
    wait_until(lambda: pid.exists() and pid.read_text(), what="the check to begin")

    worker.kill()
    worker.wait()

    wait_until(lambda: not is_alive(int(pid.read_text())), what="the check to end")


def test_a_check_that_takes_too_long_is_ended(
    shop: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PATIENCE", 0.5)
    begin = time.monotonic()

    kept, output, said = checked(shop, "import time; print('begun'); time.sleep(600)")

    assert time.monotonic() - begin < 30
    assert "was still running after" in kept["ending"]
    assert (output, said) == (b"begun\n", ["begun"])


def test_a_check_that_closes_its_output_is_still_awaited(shop: Checkout) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.4); os._exit(4)"

    kept, output, _ = checked(shop, code)

    assert "failed with exit status 4" in kept["ending"]
    assert output == b""


def test_a_check_that_is_killed_says_so(shop: Checkout) -> None:
    kept, _, _ = checked(shop, "import os; os.kill(os.getpid(), 9)")

    assert "was killed by signal 9" in kept["ending"]


def test_a_line_that_is_written_over_is_a_line_of_its_own() -> None:
    assert cleaned("a\x1b]0;title\x07b\rc\r\nd") == "ab\nc\nd"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
