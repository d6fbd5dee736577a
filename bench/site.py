"""A separate site for one command: its database, Redis and workers."""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, NamedTuple

Database = Literal["sqlite", "postgres"]
PAIRS = 5
UNLIMITED = {"MOST_STARTS_A_MINUTE": "1000000", "MOST_OPEN_RUNS": "1000000"}
"""Settings that let one person start as many runs as a command measures."""


def arguments(description: str | None, **numbers: int) -> argparse.Namespace:
    """Return the arguments of a command that measures pairs, and its own numbers."""
    return parser_of(description, pairs=PAIRS, **numbers).parse_args()


def parser_of(description: str | None, **numbers: int) -> argparse.ArgumentParser:
    """Return a parser of the database and of the command's own numbers with their defaults."""
    parser = parser_of_numbers(description, **numbers)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="postgres")
    return parser


def parser_of_numbers(description: str | None, **numbers: int) -> argparse.ArgumentParser:
    """Return a parser of the command's own numbers, whose help has the description as it is."""
    as_it_is = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=description, formatter_class=as_it_is)
    for name, default in numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    return parser


def need_postgres(parser: argparse.ArgumentParser, given: argparse.Namespace, what: str) -> None:
    """End the command with its usage if SQLite is to be measured by what only PostgreSQL has."""
    if given.database != "postgres":
        parser.error(f"{what} needs --database postgres")


class Noted(NamedTuple):
    """A statement that was executed, with its values and the seconds it took."""

    text: str
    cells: Any
    seconds: float


@contextmanager
def noted_statements() -> Iterator[list[Noted]]:
    """Yield a list to which each statement executed inside the block is added."""
    from django.db import connection

    said: list[Noted] = []

    def note(execute: Callable[..., Any], text: str, cells: Any, *more: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(text, cells, *more)
        finally:
            said.append(Noted(text, cells, time.perf_counter() - began))

    with connection.execute_wrapper(note):
        yield said


def tell(**figures: Any) -> None:
    rounded = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in figures.items()
    }
    print(json.dumps(rounded), flush=True)


@dataclass(frozen=True)
class Pair:
    """The medians of two things measured alternately."""

    ours: float
    floor: float

    @property
    def ratio(self) -> float:
        return self.ours / self.floor


def in_turn(
    pairs: int, ours: Callable[[], float], floor: Callable[[], float], *, warm_up: bool = False
) -> Pair:
    """Measure both alternately; with `warm_up`, once more before it counts."""
    if warm_up:
        floor()
        ours()
    floors, all_ours = [], []
    for _ in range(pairs):
        floors.append(floor())
        all_ours.append(ours())
    return Pair(median(all_ours), median(floors))


@contextmanager
def site(
    database: Database, *, procedures: str = "bench.procedures", **environment: str
) -> Iterator[ExitStack]:
    """Set the environment, start the servers and migrate; the context ends all of it.

    Call it once, before anything of Django is imported.
    """
    os.environ["TEST_DATABASE"] = database
    from tests import machine

    os.environ |= {"PROCEDURE_MODULES": procedures, "RUN_LEASE_SECONDS": "15", **UNLIMITED}
    os.environ |= environment
    import django

    django.setup()
    from django.core.management import call_command

    from tests.postgres import PostgreSQL
    from tests.processes import Process, Redis

    with ExitStack() as stack:
        servers: list[Process] = [Redis()]
        if machine.OWNS_POSTGRES:
            servers.append(PostgreSQL())
        for server in servers:
            stack.callback(server.end)
            server.start()
        if database == "postgres":
            create_database(machine.DATABASE_URL)
        call_command("migrate", verbosity=0)
        yield stack


def create_database(url: str) -> None:
    import psycopg

    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
