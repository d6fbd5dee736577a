"""The time of every page of the admin on a site of ten thousand people and hundreds of procedures.

The site has the runs of `bench.fill` and the people, groups and procedures of `bench.crowd`. Each
list is opened as it is, on a deep page, with a search that finds rows and one that finds none, and
with a range of days; then the newest row of each list, and the pages that aren't lists. A line has
the median and the 95th percentile of the wall time, and the medians of the processor time and of
the database time, in milliseconds; the number of statements; and the size in kB. With `--check`,
the command fails if a page takes too long. With `--plans`, it prints the heaviest statements.

Filling takes minutes. With `--server`, the site is filled on that PostgreSQL server, and stays
there for the next time.
"""

import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.crowd_size import MANAGER, PERSONS, Crowd
from bench.pages import SLOWEST, Visitor, contents, filled, parsed, parser_of_sites, use
from bench.site import site, tell

TAKES = 10
LARGEST = 300
"""The maximum size of a page in kB."""
WORDS = {"auth_user": "member-00421", "auth_group": "team-0421"}
OFTEN, NEVER = "contract", "xyzzy-7"
DEEP = 20
"""The number of pages that are skipped to open a deep page of a list."""
OWN = (
    *("index", "people", "groups", "access", "settings", "verification", "retention"),
    *("announcements", "new_runs", "invite", "group_new"),
)
"""The pages that aren't lists of rows, by the names of their addresses."""
PEOPLE = {
    "q=member-004": "found",
    "q=xyzzy": "none",
    "group=team-0421": "of a group",
    "privilege=operator": "operators",
    **{f"state={one}": one for one in ("invited", "active", "away", "left")},
}
ACCESS = {"procedure=order+1": "procedures", "group=team-04": "groups", "group=xyzzy": "none"}
QUERIES = {
    "people": PEOPLE,
    "access": ACCESS,
    "groups": {"q=team-04": "search", "q=xyzzy": "none"},
    "retention": {"q=order+1": "search"},
}
OF_PERSON = (
    *("person", "person_open", "person_sign_in", "person_acts", "person_away"),
    "person_offboard",
)
OF_GROUP = ("group", "group_rename", "group_retire")


def main() -> None:
    parser = parser_of_sites(__doc__, takes=TAKES)
    for name, default in Crowd(10_000, 1_000, 500)._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", default="", help="a pattern for the names of the pages")
    parser.add_argument("--plans", action="store_true")
    given = parsed(parser)
    if given.people <= PERSONS:
        parser.error(f"--people must be more than the {PERSONS} people of bench.fill")
    os.environ["BENCH_PROCEDURES"] = str(given.procedures)
    with site(given.database, procedures="bench.filled,bench.many"):
        name = filled_site(given)
        visitors = [AdminVisitor(name, person) for person in (MANAGER, "root")]
        if given.plans:
            explain(visitors, only=given.only)
            return
        import dashboard.asgi  # noqa: F401 (as in a web process, what is loaded is frozen)

        faults = [fault for one in visitors for fault in measure(one, given)]
    if given.check and any(faults):
        sys.exit(f"{sum(faults)} pages take too long or are too large.")


def filled_site(given: Namespace) -> str:
    """Return the name of the database of the site, filled unless it is."""
    from django.db import connection

    crowd = Crowd(given.people, given.groups, given.procedures)
    name = str(connection.settings_dict["NAME"])
    if given.server:
        name = kept_site(given.runs, crowd)
    use(name)
    found = filled(given.runs)
    from bench.crowd import add_crowd

    tell(bench="admin", database=name, **found, **add_crowd(crowd))
    return name


def kept_site(runs: int, crowd: Crowd) -> str:
    """Return the name of the site's migrated database, which the server keeps.

    If the server keeps a site of that many runs for `bench.pages`, the database is a copy of it.
    """
    import psycopg
    from django.core.management import call_command

    from tests import machine

    own = machine.DATABASE_URL
    name_of_own = urlsplit(own).path.removeprefix("/")
    base = f"countersign_pages_{contents()}_{runs}"
    code = b"".join(Path(__file__).with_name(one).read_bytes() for one in ("crowd.py", "many.py"))
    sizes = "_".join(map(str, crowd))
    name = f"countersign_admin_{contents()}_{sha256(code).hexdigest()[:8]}_{runs}_{sizes}"
    with psycopg.connect(own.replace(name_of_own, "postgres"), autocommit=True) as server:
        there = {one for (one,) in server.execute("SELECT datname FROM pg_database")}
        if name not in there:
            template = f' TEMPLATE "{base}"' if base in there else ""
            server.execute(f'CREATE DATABASE "{name}"{template}')
        use(name)
        call_command("migrate", verbosity=0)
        server.execute(f'DROP DATABASE "{name_of_own}" WITH (FORCE)')
    return name


class AdminVisitor(Visitor):
    """A signed-in member of staff, with the addresses of the admin's pages."""

    def size(self, page: str) -> int:
        return len(self.ask(page).encode())

    def pages(self, only: str) -> Iterator[str]:
        """Yield the names of the pages that match a pattern and that the person may open."""
        for page, address in self.addresses.items():
            if re.search(only, page) and self._may_open(address):
                yield page

    def _addresses(self, *, is_staff: bool) -> dict[str, str]:
        from django.contrib.auth.models import User

        user = User.objects.get(username=self.person)
        return {**dict(pages_of_lists(user)), **dict(other_pages())}


def pages_of_lists(user: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the address of each list that the person may see, in several ways."""
    from django.contrib import admin
    from django.test import RequestFactory
    from django.urls import reverse

    request = RequestFactory().get("/admin/")
    request.user = user
    for model, its_admin in admin.site._registry.items():  # noqa: SLF001
        if not its_admin.has_view_permission(request):
            continue
        name = f"{model._meta.app_label}_{model._meta.model_name}"  # noqa: SLF001
        short = name.replace("countersign_", "")
        path = reverse(f"admin:{name}_changelist")
        yield short, path
        if model._base_manager.all()[DEEP * 100 :].exists():  # noqa: SLF001
            yield f"{short}, page {DEEP}", f"{path}?p={DEEP}"
        if its_admin.search_fields:
            yield f"{short}, search", f"{path}?q={WORDS.get(name, OFTEN)}"
            yield f"{short}, search for nothing", f"{path}?q={NEVER}"
        for part in its_admin.get_list_filter(request):
            yield from filters_of(short, path, part)
        if row := model._base_manager.order_by("-pk").first():  # noqa: SLF001
            yield f"{short}, row", reverse(f"admin:{name}_change", args=[row.pk])
            yield f"{short}, history", reverse(f"admin:{name}_history", args=[row.pk])
        if its_admin.has_add_permission(request):
            yield f"{short}, new", reverse(f"admin:{name}_add")


def filters_of(name: str, path: str, part: Any) -> Iterator[tuple[str, str]]:
    from datetime import timedelta

    from dashboard.admin.filters import Between, ByProcedure
    from procedures.models.clock import clock

    today = clock.now().date()
    first, last = today - timedelta(days=90), today - timedelta(days=60)
    if isinstance(part, tuple) and part[1] is Between:
        days = f"{part[0]}__from={first}&{part[0]}__to={last}"
        yield f"{name}, {part[0]} of a month", f"{path}?{days}"
    elif isinstance(part, type) and issubclass(part, ByProcedure):
        for one in ("many_007", "pay_invoice", "sign_contract"):
            yield f"{name}, of {one}", f"{path}?procedure={one}"


def other_pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the address of each page that isn't a list of rows."""
    from django.urls import reverse

    for name in OWN:
        yield name, reverse(f"admin:{name}")
    for name, queries in QUERIES.items():
        for query, words in queries.items():
            yield f"{name}, {words}", f"{reverse(f'admin:{name}')}?{query}"
    for role in ("see", "start", "answer", "operate", "cancel"):
        for procedure in ("many_000", "pay_invoice"):
            yield f"who may {role} {procedure}", reverse("admin:who_may", args=[procedure, role])
    yield "retention of pay_invoice", reverse("admin:retention_of", args=["pay_invoice"])
    yield from pages_of_rows()


def pages_of_rows() -> Iterator[tuple[str, str]]:
    """Yield the name and the address of each page of some people and groups."""
    from django.contrib.auth.models import Group, User
    from django.urls import reverse

    middle = User.objects.order_by("pk")[User.objects.count() // 2]
    yield "people, deep", f"{reverse('admin:people')}?after={middle.pk}"
    for group in Group.objects.filter(name__in=["team-0421", "support", "Operators"]):
        for page in OF_GROUP:
            yield f"{page} {group.name}", reverse(f"admin:{page}", args=[group.pk])
    for user in User.objects.filter(username__in=["approver", "member-00421", MANAGER]):
        for page in OF_PERSON:
            yield f"{page} {user.username}", reverse(f"admin:{page}", args=[user.pk])


def explain(visitors: list[AdminVisitor], *, only: str) -> None:
    """Print the plans of the heaviest statements of the pages."""
    from bench.plans import explain_heaviest

    explain_heaviest(
        (page, one.person, partial(one.ask, page)) for one in visitors for page in one.pages(only)
    )


def measure(visitor: AdminVisitor, given: Namespace) -> Iterator[int]:
    """Print the figures of each page; yield 1 for each that is too high, otherwise 0."""
    for page in visitor.pages(given.only):
        visitor.take(page, given.takes)
        found, size = visitor.takes[page], visitor.size(page) // 1000
        is_over = found.slow > SLOWEST or size > LARGEST
        figures = {**found.figures, "kb": size, "load": os.getloadavg()[0]}
        verdict = "FAIL" if is_over else "PASS"
        tell(bench="admin", page=page, person=visitor.person, **figures, verdict=verdict)
        yield int(is_over)


if __name__ == "__main__":
    main()
