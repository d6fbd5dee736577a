"""Hundreds of open pages on one daphne, beside a bare Channels consumer.

Two processes hold the pages, each of another person. A line of JSON says how much of a core each
process used and how much of the machine was busy: above 70 % the load measured itself, and the line
has `"counts": false`.

    .venv/bin/python -m bench.live
    .venv/bin/python -m bench.live --rows idle,messages --pages 200 --seconds 10
"""

import argparse
from contextlib import ExitStack
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any

from bench.live_clients import Clients
from bench.live_rows import ROWS, Bench
from bench.live_site import LiveSite
from bench.site import parser_of_numbers, site


def main() -> None:
    given = options()
    most = getrlimit(RLIMIT_NOFILE)[1]
    setrlimit(RLIMIT_NOFILE, (most, most))
    pages = [most for row in given.rows for most in given.pages or ROWS[row][1]]
    with site("postgres", NOTIFY_AFTER_SECONDS="86400") as stack:
        clients = Clients()
        stack.callback(clients.end)
        bench = Bench(
            LiveSite(max(pages), given.concerned),
            clients,
            *servers(stack),
            new_servers=lambda: servers(stack),
            seconds=given.seconds,
            settle=given.settle,
        )
        for row in given.rows:
            measure, usual = ROWS[row]
            for count in given.pages or usual:
                measure(bench, count)


def servers(stack: ExitStack) -> tuple[Any, Any]:
    """Return a daphne with the site, and one with the bare consumer."""
    from tests.processes import Web

    ours, bare = Web(), Web()
    bare.command = (*bare.command[:-1], "bench.bare_live:application")
    for one in (ours, bare):
        stack.callback(one.end)
        one.start()
    return ours, bare


def options() -> argparse.Namespace:
    parser = parser_of_numbers(__doc__, concerned=20, seconds=15)
    parser.add_argument("--rows", type=names, default=list(ROWS), help=", ".join(ROWS))
    parser.add_argument("--pages", type=numbers, help="instead of each row's usual numbers")
    parser.add_argument("--settle", type=int, default=300, help="of the row memory")
    return parser.parse_args()


def names(text: str) -> list[str]:
    found = text.split(",")
    if unknown := set(found) - ROWS.keys():
        raise argparse.ArgumentTypeError(f"There is no row {', '.join(sorted(unknown))}.")
    return found


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


if __name__ == "__main__":
    main()
