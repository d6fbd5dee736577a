"""The time of each page for each person, on a large site and on one of a tenth of its size.

One client in this process requests each page, alternately from both sites. A line has the median
and the 95th percentile of the wall time, and the medians of the processor time and of the database
time, in milliseconds; the number of statements; the ratio to the same figure on the smaller site;
and the load of the machine. With `--check`, the command fails if a page takes too long for anybody.
With `--plans`, it prints the heaviest statements of all these pages instead, with what PostgreSQL
reads for each.

Filling takes minutes. With `--server`, the sites are filled on that PostgreSQL server, and stay
there for the next time. If the tables or indexes of the product have changed since, or what fills
them, others are filled beside them.
"""

import os
import re
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from io import StringIO
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from bench.fill import RUNS
from bench.site import create_database, need_postgres, noted_statements, parser_of, site, tell

TAKES = 20
BLOCK = 10
"""The takes on one site before the other one's turn, after one that doesn't count."""
SLOWEST = 100.0
"""The maximum number of milliseconds of 95 % of the takes."""
NEARLY = 0.95
"""The share of its runs that a full site has at least, as copies are rounded."""
LARGEST_RATIO = 1.3
"""The most that a page may take, compared to a site of a tenth of the size."""
PEOPLE = ("starter", "approver", "operator", "auditor", "few", "outsider")
ADMIN = "countersign_procedures_event countersign_procedures_run countersign_procedures_wait"
ADMIN += " countersign_chat_humanrequest countersign_chat_message countersign_chat_session"
ADMIN += " countersign_chat_sessionevent countersign_chat_decision countersign_chat_notification"
ADMIN += " countersign_procedures_act countersign_procedures_procedure"
PARTS = ("index", "people", "groups", "access", "settings")
"""The pages of the admin that aren't lists of rows, by the names of their addresses."""
SEARCHED = {
    "countersign_procedures_run": "q=contract",
    "countersign_chat_humanrequest": "q=contract",
    "countersign_chat_session": "q=contract",
    "countersign_chat_decision": "procedure=sign_contract",
}
"""Searches and filters of the admin's lists; the last one finds few answers among all."""
SEARCHES = ("approve", "contract", "K-1000321", "xyzzy")
"""Words in a sixth of the texts, in a few, in one run's, and in none."""
RUN, SESSION = "/runs/([0-9a-f-]{36})", "/chat/([0-9a-f-]{36})"


def main() -> None:
    parser = parser_of_sites(__doc__, takes=TAKES)
    parser.add_argument("--plans", action="store_true")
    parser.add_argument(
        "--only", default="", help="a pattern for the names of the pages to measure"
    )
    given = parsed(parser)
    with site(given.database, procedures="bench.filled"):
        large, small = filled_sites(given)
        if given.plans:
            explain(large, only=given.only)
            return
        import dashboard.asgi  # noqa: F401 (as in a web process, what is loaded is frozen)

        faults = list(compare(large, small, takes=given.takes, only=given.only))
    if not faults:
        sys.exit(f"No page has a name that matches {given.only!r}.")
    if given.check and any(faults):
        sys.exit(f"{sum(faults)} figures are too high.")


def parser_of_sites(description: str | None, *, takes: int) -> ArgumentParser:
    """Return a parser of the arguments of a command that measures a large and a small site."""
    parser = parser_of(description, runs=RUNS, takes=takes)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--server", default="", help="such as postgresql://postgres@localhost/")
    return parser


def parsed(parser: ArgumentParser) -> Namespace:
    """Return the arguments of a command that measures sites, after its server has been chosen."""
    given = parser.parse_args()
    for option in ("plans", "server"):
        if vars(given).get(option):
            need_postgres(parser, given, f"--{option}")
    if given.server:
        os.environ["TEST_DATABASE_URL"] = given.server
    return given


def filled_sites(given: Namespace) -> Sequence[str]:
    """Return the names of the databases of both sites, filled unless they are."""
    if given.server:
        names = kept_sites(given.runs, given.runs // 10)
    else:
        names = names_of_both(given.database)
    for name, runs in zip(names, (given.runs, given.runs // 10), strict=True):
        use(name)
        tell(bench="pages", database=name, **filled(runs))
    return names


def explain(database: str, *, only: str = "") -> None:
    """Print the plans of the heaviest statements of the pages of a site."""
    from bench.plans import explain_heaviest

    visitors = [Visitor(database, person) for person in PEOPLE]
    explain_heaviest(
        (page, visitor.person, partial(visitor.ask, page))
        for visitor in visitors
        for page in visitor.addresses
        if re.search(only, page)
    )


def compare(large: str, small: str, *, takes: int = TAKES, only: str = "") -> Iterator[int]:
    """Print the figures of each page and person; yield 1 for each that is too high, otherwise 0."""
    for person in PEOPLE:
        visitors = [Visitor(name, person) for name in (large, small)]
        for page in visitors[0].addresses:
            if not re.search(only, page):
                continue
            for _ in range(0, takes, BLOCK):
                for visitor in visitors:
                    visitor.take(page, min(takes, BLOCK))
            ours, tenth = (visitor.takes[page] for visitor in visitors)
            ratio = ours.half("wall") / tenth.half("wall")
            figures = {**ours.figures, "tenth_p50_ms": tenth.half("wall"), "ratio": ratio}
            is_slow = ours.slow > SLOWEST or ratio > LARGEST_RATIO
            verdict = "FAIL" if is_slow else "PASS"
            load = os.getloadavg()[0]
            tell(bench="pages", page=page, person=person, **figures, load=load, verdict=verdict)
            yield int(is_slow)


@dataclass
class Takes:
    """The measured takes of a page, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    statements: int = 0

    def half(self, name: str) -> float:
        return float(median(getattr(self, name)))

    @property
    def slow(self) -> float:
        """The time within which 95 % of the takes ended."""
        return quantiles(self.wall, n=20)[-1] if len(self.wall) > 1 else self.wall[0]

    @property
    def figures(self) -> dict[str, float]:
        return {
            "p50_ms": self.half("wall"),
            "p95_ms": self.slow,
            "processor_ms": self.half("processor"),
            "database_ms": self.half("database"),
            "statements": self.statements,
        }


class Visitor:
    """A signed-in person on one of the sites."""

    def __init__(self, database: str, person: str) -> None:
        from django.contrib.auth.models import User
        from django.test import Client

        self.database, self.person, self.takes = database, person, dict[str, Takes]()
        self.client = Client(SERVER_NAME="localhost")
        use(database)
        user = User.objects.get(username=person)
        self.client.force_login(user)
        self.addresses = self._addresses(is_staff=user.is_staff)

    def take(self, page: str, count: int) -> None:
        """Request the page that often, after one request that doesn't count."""
        takes, address = self.takes.setdefault(page, Takes()), self.addresses[page]
        use(self.database)
        self._ask(address)
        for _ in range(count):
            with noted_statements() as said:
                began, worked = time.perf_counter(), time.process_time()
                self._ask(address)
                takes.processor.append((time.process_time() - worked) * 1000)
                takes.wall.append((time.perf_counter() - began) * 1000)
            takes.database.append(sum(one.seconds for one in said) * 1000)
            takes.statements = len(said)

    def ask(self, page: str) -> str:
        return self._ask(self.addresses[page])

    def _ask(self, address: str) -> str:
        answer = self.client.get(address)
        if answer.status_code != 200:  # noqa: PLR2004
            raise AssertionError(f"{address} answered {answer.status_code}.")
        return answer.content.decode()

    def _addresses(self, *, is_staff: bool) -> dict[str, str]:
        """Return the address of each page that the person has."""
        from django.urls import reverse

        names = {"home": "home", "overview": "home_overview", "requests": "waiting_list"}
        names |= {"inbox": "inbox", "runs": "run_list", "chats": "session_list"}
        found = {page: reverse(f"countersign:{name}") for page, name in names.items()}
        runs = dict.fromkeys(re.findall(RUN, self._ask(found["runs"])))
        shown = "&".join(f"shown={run}" for run in runs)
        found["runs changes"] = f"{reverse('countersign:run_changes')}?{shown}"
        for state in ("failed", "people"):
            found[f"runs {state}"] = f"{found['runs']}?state={state}"
        if sessions := re.findall(SESSION, self._ask(found["chats"])):
            found["chat"] = reverse("countersign:session_detail", args=[sessions[0]])
        if runs:
            found["run"] = reverse("countersign:run_detail", args=[next(iter(runs))])
        found["API requests"] = f"{reverse('countersign:api:list_requests')}?status=open"
        found["API runs"] = reverse("countersign:api:list_runs")
        search = reverse("countersign:search")
        found |= {f"search {words}": f"{search}?q={words}" for words in SEARCHES}
        if is_staff:
            found |= {f"admin {one}": reverse(f"admin:{one}_changelist") for one in ADMIN.split()}
            found |= {
                f"admin {one}, {query}": f"{reverse(f'admin:{one}_changelist')}?{query}"
                for one, query in SEARCHED.items()
            }
            parts = {f"admin {one}": reverse(f"admin:{one}") for one in PARTS}
            found |= {page: path for page, path in parts.items() if self._may_open(path)}
        return found

    def _may_open(self, address: str) -> bool:
        return self.client.get(address).status_code == 200  # noqa: PLR2004


def use(database: str) -> None:
    """Let the process use that database from now on."""
    from django.contrib.contenttypes.models import ContentType
    from django.db import connection

    wrapper: Any = connection
    if database != connection.settings_dict["NAME"]:
        wrapper.close()
        if wrapper.vendor == "postgresql":
            wrapper.close_pool()
        wrapper.settings_dict["NAME"] = database
        ContentType.objects.clear_cache()


def filled(runs: int) -> dict[str, int]:
    """Fill the database that is used now, unless it is full; return how many rows it holds."""
    from bench.fill import counted, fill

    found = counted()
    if not found["runs"]:
        return fill(runs)
    if found["runs"] < runs * NEARLY:
        sys.exit("A site is filled in part, because a run of this command was ended. Drop it.")
    return found


def kept_sites(*sizes: int) -> Sequence[str]:
    """Return the names of migrated databases for sites of these sizes, which the server keeps.

    The command's own database is dropped.
    """
    import psycopg
    from django.core.management import call_command

    from tests import machine

    own = machine.DATABASE_URL
    name_of_own = urlsplit(own).path.removeprefix("/")
    names = [f"countersign_pages_{contents()}_{runs}" for runs in sizes]
    with psycopg.connect(own.replace(name_of_own, "postgres"), autocommit=True) as server:
        there = {name for (name,) in server.execute("SELECT datname FROM pg_database")}
        for name in names:
            if name not in there:
                server.execute(f'CREATE DATABASE "{name}"')
            use(name)
            call_command("migrate", verbosity=0)
        server.execute(f'DROP DATABASE "{name_of_own}" WITH (FORCE)')
    return names


def contents() -> str:
    """Return a digest of the statements that create the product's tables, and of what fills them.

    A site with other indexes or runs would be measured without a word about it, because migrations
    that nobody has installed yet are changed in place.
    """
    from django.core.management import call_command
    from django.db.migrations.loader import MigrationLoader

    from bench import exemplars, filling

    said = StringIO()
    for module in (exemplars, filling):
        said.write(Path(str(module.__file__)).read_text())
    for app, name in sorted(MigrationLoader(None).disk_migrations):
        if app.startswith("countersign_"):
            call_command("sqlmigrate", app, name, stdout=said, no_color=True)
    return sha256(said.getvalue().encode()).hexdigest()[:8]


def names_of_both(kind: str) -> Sequence[str]:
    """Return the names of the database that is there, and of a migrated one beside it."""
    from django.core.management import call_command
    from django.db import connection

    from tests import machine

    large = str(connection.settings_dict["NAME"])
    small = f"{large}-tenth"
    if kind == "postgres":
        create_database(machine.DATABASE_URL.replace(large, small))
    use(small)
    call_command("migrate", verbosity=0)
    return large, small


if __name__ == "__main__":
    main()
