"""The order of tests on several cores: those that take longest begin first."""

from collections.abc import Sequence
from typing import TypeVar

LONGEST = (
    "storm/test_live_storm.py",
    "crash/test_stuck_slots.py",
    "integration/test_absent_database.py",
    "crash/test_edited_files.py",
    "embedded/test_running.py",
    "host/test_host.py",
    "crash/test_missing_code.py",
    "crash/test_changed_code.py",
    "embedded/test_start_and_stop.py",
    "integration/test_slow_reader.py",
    "crash/test_killed_writers.py",
    "integration/test_refund_over_http.py",
    "embedded/test_servers.py",
    "embedded/test_edited_files.py",
    "programs/lua/test_on_a_site.py",
    "integration/test_removal_races.py",
    "crash/test_bulk_killed.py",
    "crash/test_several_webs.py",
    "crash/test_disasters.py",
    "integration/test_mails.py",
    "integration/test_large_admin.py",
    "browser/test_manager_story.py",
    "browser/test_every_page.py",
    "browser/test_inbox.py",
    "browser/test_two_people.py",
    "browser/test_chat_stories.py",
)
"""The files with tests that take the longest, which begin first.

Of the four processes of `make test`, each gets every fourth of them. So those of `embedded` that
share a product, which takes a process ten seconds to start, are all in one process.
"""
T = TypeVar("T")


def place_of(path: str) -> int | None:
    """Return the place of a file among those that take longest, None if it isn't one of them."""
    found = (place for place, name in enumerate(LONGEST) if path.endswith(f"/{name}"))
    return next(found, None)


def dealt(files: Sequence[Sequence[T]], others: Sequence[T], processes: int) -> list[T]:
    """Return all tests such that each process begins with its share of the files.

    pytest-xdist first gives each process an equal part of the list; later, whoever has nothing
    to do takes tests from the end of another one's part.
    """
    count = sum(map(len, files)) + len(others)
    found, left = list[T](), list(others)
    for number in range(processes):
        size = count // (processes - number)
        share = [one for file in files[number::processes] for one in file]
        room = max(size - len(share), 0)
        found += [*share, *left[:room]]
        left, count = left[room:], count - size
    return found + left
