"""Pages of the admin on a site with many people, groups and procedures, and a long log."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.test.html import parse_html

from dashboard.admin.addresses import list_address
from dashboard.admin.filters import MOST_OPTIONS, newest_values
from dashboard.admin.search import SearchedAdmin
from dashboard.models import RetiredGroup
from procedures.engine.declaration.roles import ROLES
from procedures.models import Act, Grant, Procedure, ProcedureVersion, Run, StoppedStarts
from procedures.models.clock import clock
from tests.admin_addresses import admin_addresses
from tests.pages import browser, queries_of, shown

FEW, MANY = 2 * MOST_OPTIONS, 4 * MOST_OPTIONS
"""Both are more than a selection field offers."""
GROUP, PERSON = 9_999, 99_999
"""The ids of the group and the person whose pages are opened."""
OF_ONE = (
    *(f"groups/{GROUP}/", f"auth/group/{GROUP}/change/", f"auth/user/{PERSON}/change/"),
    *(f"person/{PERSON}/", f"groups/{GROUP}/rename/", "access/many-0/start/"),
)
MOST_MORE = 2_000
"""The number of bytes by which a page may grow: ids and counts have more digits."""

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(scope="module")
def root(module_rows: None) -> User:
    """A superuser of a site with some people, groups and procedures."""
    grow(0, FEW)
    Group.objects.create(pk=GROUP, name="the group")
    User.objects.create(pk=PERSON, username="the-person").groups.add(GROUP)
    return User.objects.create_superuser("root")


def grow(first: int, last: int) -> None:
    """Add people, groups and procedures, each of which has a version and grants."""
    numbers = range(first, last)
    people = User.objects.bulk_create(User(username=f"person-{one:03}") for one in numbers)
    groups = Group.objects.bulk_create(Group(name=f"team {one:03}") for one in numbers)
    procedures = Procedure.objects.bulk_create(
        Procedure(name=f"many-{one}", title=f"Many {one:03}") for one in numbers
    )
    ProcedureVersion.objects.bulk_create(
        ProcedureVersion(procedure=one, version="0" * 12, source="", registered_at=clock.now())
        for one in procedures
    )
    Grant.objects.bulk_create(
        Grant(procedure=one, group=group, role=role)
        for one, group in zip(procedures, groups, strict=True)
        for role in ROLES
    )
    for group, user in zip(groups, people, strict=True):
        user.groups.add(group)


def give_roles(group: int) -> None:
    """Give the group two roles on every procedure, and every group one on the first procedure."""
    first = Procedure.objects.get(name="many-0")
    pairs = [(one.pk, group) for one in Procedure.objects.all()]
    pairs += [(first.pk, one.pk) for one in Group.objects.filter(retirement=None)]
    grants = [Grant(procedure_id=one, group_id=of, role="start") for one, of in pairs]
    Grant.objects.bulk_create(grants, ignore_conflicts=True)


def paths() -> list[str]:
    every = [*admin_addresses({}), *OF_ONE]
    return [f"/admin/{one}" for one in every if not one.endswith(("logout/", "export/"))]


def test_no_page_grows_with_the_site(root: User) -> None:
    """No field offers every person, group or procedure, and no list shows all of them."""
    client, opened = browser(root), paths()
    give_roles(GROUP)
    opened = [one for one in opened if client.get(one).status_code == 200]
    statements = {one: len(queries_of(client, one)) for one in opened}
    sizes = {one: len(client.get(one).content) for one in opened}
    grow(FEW, MANY)
    give_roles(GROUP)

    more = {one: len(queries_of(client, one)) for one in opened}
    larger = {one: len(client.get(one).content) for one in opened}

    assert {one: more[one] for one in opened if more[one] > statements[one]} == {}
    grown = {one: larger[one] - sizes[one] for one in opened}
    assert {one: size for one, size in grown.items() if size > MOST_MORE} == {}


def test_a_filter_by_many_objects_takes_a_typed_name(root: User) -> None:
    client = browser(root)
    many, teams = "procedure__named", "group__named"
    grants = {
        f"{many}=many-7": {"many-7"},
        f"{many}=Many+00": {f"many-{one}" for one in range(10)},
        f"{many}=Many+007&{teams}=team+007": {"many-7"},
        f"{many}=Many+007&{teams}=team+008": set(),
        f"{many}=nothing%00": set(),
        f"procedure__id__exact={Procedure.objects.get(name='many-7').pk}": {"many-7"},
    }

    found = {query: names_of(client, Grant, query) for query in grants}
    chosen = shown(client.get(f"/admin/countersign_procedures/grant/?{list(grants)[-1]}"))

    assert found == grants
    assert 'name="procedure__named" value="Many 007"' in chosen


def test_a_filter_by_many_objects_offers_those_without_one(root: User) -> None:
    client, known = browser(root), Procedure.objects.get(name="many-7")
    version = ProcedureVersion.objects.filter(procedure=known).latest("pk")
    given: dict[str, Any] = {"procedure": known, "version": version, "created_at": clock.now()}
    own, none = Run.objects.create(started_by=root, **given), Run.objects.create(**given)
    page = "/admin/countersign_procedures/run/"

    assert rows_of(client, f"{page}?started_by__named={root}") == {own}
    for query in ("", f"&started_by__named={root}"):  # the box counts more than the name
        shown_page = client.get(f"{page}?started_by__isnull=True{query}")
        assert set(shown_page.context["cl"].result_list) == {none}
        assert is_ticked(shown_page)
    assert not is_ticked(client.get(f"{page}?started_by__named={root}"))
    assert 'name="procedure__isnull"' not in shown(
        client.get("/admin/countersign_procedures/grant/")
    )


def test_a_name_that_fits_several_is_refused_with_the_names_to_enter(root: User) -> None:
    """A name in code is of one procedure only, so it comes before an equal title."""
    for name, title in (("twin-1", "Twins"), ("twin-2", "Twins"), ("Twins", "Other")):
        Procedure.objects.create(name=name, title=title)
    client = browser(root)

    def tried(name: str) -> str:
        sent = {"procedure": name, "notice": "Closed.", "reason": "Because."}
        return shown(client.post("/admin/new-runs/", sent, follow=True))

    several = tried("twins")
    assert "Several entries have the name “twins”." in several
    assert "Enter exactly one of these: Twins, twin-1, twin-2" in several
    assert "Several entries" not in tried("Twins")
    assert "Several entries" not in tried("twin-1")
    stopped = StoppedStarts.objects.values_list("procedure__name", flat=True)
    assert set(stopped) == {"Twins", "twin-1"}


def is_ticked(response: Any) -> bool:
    found = re.search(
        r'"checkbox" name="started_by__isnull" value="True"( checked)?>', shown(response)
    )
    assert found
    return bool(found[1])


def rows_of(client: Client, page: str) -> set[Run]:
    return set(client.get(page).context["cl"].result_list)


def names_of(client: Client, model: type[Model], query: str) -> set[str]:
    app, name = model._meta.app_label, model._meta.model_name  # noqa: SLF001
    response = client.get(f"/admin/{app}/{name}/?{query}&role__exact=cancel&all=")
    return {row.procedure.name for row in response.context["cl"].result_list}


def test_runs_are_found_by_a_part_of_a_procedures_title(root: User) -> None:
    known = {one.name: one for one in Procedure.objects.filter(name__in=["many-7", "many-17"])}
    versions = dict(ProcedureVersion.objects.values_list("procedure", "pk"))
    for one in known.values():
        now = clock.now()
        Run.objects.create(procedure=one, version_id=versions[one.pk], created_at=now)
    client = browser(root)

    def found(words: str) -> set[str]:
        page = client.get(f"/admin/countersign_procedures/run/?procedure={words}")
        return {row.procedure.name for row in page.context["cl"].result_list}

    assert (found("many-7"), found("017"), found("xyzzy")) == ({"many-7"}, {"many-17"}, set())


def test_a_search_of_the_log_reads_its_newest_entries_only(
    root: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = Act.Kind.CHANGE
    Act.objects.bulk_create(
        Act(kind=kind, at=clock.now(), words=f"Changed thing {one}.", about_type="a", about_id=one)
        for one in range(5)
    )
    monkeypatch.setattr(type(admin.site.get_model_admin(Act)), "most_searched", 3)
    client, path = browser(root), "/admin/countersign_procedures/act/"

    whole = client.get(f"{path}?q=Changed")
    old = client.get(f"{path}?q=thing+0")
    filtered = client.get(f"{path}?q=thing+0&about_id=0")

    assert 0 < len(whole.context["cl"].result_list) <= 3
    assert "Only the newest 3 of these rows were searched" in shown(whole)
    assert [len(one.context["cl"].result_list) for one in (old, filtered)] == [0, 1]


def add_acts(count: int, *, of: str) -> None:
    Act.objects.bulk_create(
        Act(at=clock.now(), kind=Act.Kind.CHANGE, words=f"Changed {one}.", about_type=of)
        for one in range(count)
    )


def test_the_pages_of_a_list_have_each_row_once_and_in_order(root: User) -> None:
    add_acts(120, of="paged")
    client, path = browser(root), "/admin/countersign_procedures/act/?about_type=paged"

    def listed(query: str) -> list[str]:
        return [row.words for row in client.get(f"{path}{query}").context["cl"].result_list]

    newest_first = [f"Changed {one}." for one in reversed(range(120))]
    assert [one for number in (1, 2, 3) for one in listed(f"&p={number}")] == newest_first
    assert listed("&all=") == newest_first
    assert [one for number in (1, 2, 3) for one in listed(f"&o=0&p={number}")] == (
        newest_first[::-1]
    )
    assert listed('&q="ged 7."') == ["Changed 7."]
    assert listed("&q=xyzzy") == []


def test_a_row_of_a_filtered_list_leads_back_to_it(root: User) -> None:
    add_acts(1, of="filtered")
    client, query = browser(root), "about_type=filtered&amp;kind__exact=change"
    page = shown(client.get(f"/admin/countersign_procedures/act/?{unescape(query)}"))

    [link] = set(re.findall(r'href="(/admin/countersign_procedures/act/\d+/change/[^"]*)"', page))

    assert f'href="/admin/countersign_procedures/act/?{query}"' in shown(client.get(link))


def test_the_checkbox_of_a_row_is_djangos() -> None:
    group, its_admin = Group(pk=7, name='<b>"ours"'), admin.site.get_model_admin(Group)

    ours = its_admin.action_checkbox(group)

    assert parse_html(ours) == parse_html(admin.ModelAdmin.action_checkbox(its_admin, group))


def test_a_filter_offers_the_values_of_the_newest_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("old", "new", "new", "newest"):
        add_acts(1, of=kind)

    every = newest_values(Act, "about_type")
    monkeypatch.setattr("dashboard.admin.filters.MOST_VALUES", 3)

    assert {"old", "new", "newest"} <= every
    assert newest_values(Act, "about_type") == {"new", "newest"}


def test_a_search_of_a_growing_table_joins_no_other_table(root: User) -> None:
    """A join, or an `EXISTS`, may read all of another table for the few rows that are scanned."""
    client, searches = browser(root), dict[str, list[str]]()
    for its_admin in admin.site._registry.values():  # noqa: SLF001
        if isinstance(its_admin, SearchedAdmin) and (its_admin.grows or its_admin.ends_of_ids):
            said = queries_of(client, f"{list_address(its_admin.model)}?q=xyzzy")
            searches[its_admin.opts.model_name or ""] = [sql for sql in said if "xyzzy" in sql]

    assert {"run", "session", "message", "humanrequest", "decision", "act"} <= set(searches)
    assert [name for name, said in searches.items() if not said] == []
    assert [name for name, said in searches.items() if any(map(reads_beside, said))] == []


def reads_beside(sql: str) -> bool:
    tables, _, conditions = sql.partition(" WHERE ")
    return " JOIN " in tables or "EXISTS(" in conditions


def test_a_role_has_a_holder_though_its_group_is_on_another_page(root: User) -> None:
    """The groups on the page hold nothing; the last group of all is the one that may start."""
    procedure = Procedure.objects.create(name="alone", title="Alone")
    last = Group.objects.create(name="zzz")
    Grant.objects.create(procedure=procedure, group=last, role="start")
    client = browser(root)

    def lacking() -> list[str]:
        [(_, rows)] = client.get("/admin/access/?procedure=alone").context["matrix"].rows
        return [row.role for row in rows if row.lacks_holder]

    before = lacking()
    root.groups.add(last)

    assert (before, lacking()) == (["start", "answer", "operate"], ["answer", "operate"])
    assert not RetiredGroup.objects.exists()
