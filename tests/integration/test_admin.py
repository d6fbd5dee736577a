"""The admin shows every record, lets nobody rewrite history, and manages grants and tokens."""

import re
from datetime import datetime

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from chat.models import (
    FeedEntry,
    HumanRequest,
    HumanResponse,
    ReadMark,
    RunAudience,
    Searchable,
    Session,
    SharedRun,
)
from chat.services import note_presence
from dashboard.demo.people import let_operators_view
from dashboard.models import ApiToken
from procedures.databases import OURS as OUR_APPS
from procedures.models import Event, Grant, Procedure, Run
from tests.admin_addresses import page
from tests.calls import caller, grant, request_of, respond, run_until_it_waits
from tests.pages import browser, queries_of

LISTS = (FeedEntry, RunAudience, Searchable, SharedRun)
"""Rows that follow from others: lists and the search find by them what somebody may see."""
SHOWN_IN_CHAT = (ReadMark,)
"""Rows that the members of a session see there, and by which nothing is decided."""
MODELS = [model for name in sorted(OUR_APPS) for model in apps.get_app_config(name).get_models()]
OURS = [model for model in MODELS if model not in LISTS + SHOWN_IN_CHAT]
HISTORY = [model for model in OURS if model not in (Grant, ApiToken)]


@pytest.fixture
def operator(dave: User) -> Client:
    let_operators_view()
    User.objects.filter(pk=dave.pk).update(is_staff=True)
    client = Client()
    client.force_login(dave)
    return client


def test_every_model_is_there() -> None:
    assert all(admin.site.is_registered(model) for model in OURS)


def first(model: type[Model]) -> Model:
    row = model._default_manager.first()  # noqa: SLF001
    assert row, f"There is no {model.__name__} to look at."
    return row


def test_operators_see_every_list_and_every_row(operator: Client, answered: Run) -> None:
    ApiToken.create_for(User.objects.get(username="alice"))

    for model in OURS:
        for path in (page("changelist", model), page("change", model, first(model).pk)):
            assert operator.get(path).status_code == 200, path


def test_nobody_rewrites_history(root: Client, answered: Run) -> None:
    for model in HISTORY:
        row = first(model)
        refused = [
            root.get(page("add", model)),
            root.post(page("add", model), {}),
            root.post(page("change", model, row.pk), {"_save": "1"}),
            root.post(page("delete", model, row.pk), {"post": "yes"}),
        ]
        deletion = {"action": "delete_selected", "_selected_action": row.pk}
        root.post(page("changelist", model), deletion)
        assert {response.status_code for response in refused} == {403}, model
        assert model._default_manager.filter(pk=row.pk).exists()  # noqa: SLF001


@pytest.mark.parametrize("person", ["alice", "bob", "dave"])
def test_who_is_no_staff_sees_nothing(
    client: Client, answered: Run, dave: User, person: str
) -> None:
    client.force_login(User.objects.get(username=person))

    response = client.get(page("change", Run, answered.pk))

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/admin/login/")


def test_staff_without_the_view_permission_sees_nothing(
    client: Client, answered: Run, carol: User
) -> None:
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    client.force_login(carol)

    assert client.get("/admin/").status_code == 200
    assert client.get(page("changelist", Run)).status_code == 403
    assert client.get(page("change", Run, answered.pk)).status_code == 403


def test_a_grant_is_given_and_taken_there(root: Client, answered: Run, operators: Group) -> None:
    procedure = Procedure.objects.get(name="question")
    fields = {"procedure": procedure.pk, "group": operators.pk, "role": "operate"}

    assert root.post(page("add", Grant), fields).status_code == 302
    given = Grant.objects.get(group=operators, procedure=procedure)
    assert root.post(page("change", Grant, given.pk), fields | {"role": "see"}).status_code == 302
    given.refresh_from_db()
    assert given.role == "see"
    assert root.post(page("delete", Grant, given.pk), {"post": "yes"}).status_code == 302
    assert not Grant.objects.filter(pk=given.pk).exists()


def test_operators_only_look_at_grants(operator: Client, answered: Run) -> None:
    given = Grant.objects.filter(procedure__name="question").first()
    assert given

    assert operator.post(page("add", Grant), {}).status_code == 403
    assert operator.post(page("delete", Grant, given.pk), {"post": "yes"}).status_code == 403
    assert Grant.objects.filter(pk=given.pk).exists()


def test_a_token_is_ended_there_and_never_shown(root: Client, bob: User) -> None:
    bobs = caller(bob)
    token = ApiToken.objects.get()

    pages = [page("changelist", ApiToken), page("change", ApiToken, token.pk)]
    shown = [root.get(path).content.decode() for path in pages]

    assert all(token.hint in text and token.digest not in text for text in shown)
    assert root.get(page("add", ApiToken)).status_code == 403
    assert root.post(page("change", ApiToken, token.pk), {"hint": "x"}).status_code == 403
    assert bobs.get("/api/runs").status_code == 200
    assert root.post(page("delete", ApiToken, token.pk), {"post": "yes"}).status_code == 302
    assert bobs.get("/api/runs").status_code == 401


def test_no_page_shows_a_seed_or_a_digest_of_a_token(root: Client, answered: Run) -> None:
    text = root.get(page("change", Run, answered.pk)).content.decode()

    assert answered.seed not in text
    assert Run.objects.get(pk=answered.pk).head_hash in text


def test_rows_lead_to_each_other(root: Client, answered: Run) -> None:
    request = request_of(answered)
    text = root.get(page("change", Run, answered.pk)).content.decode()

    for label in (
        "Journal",
        "Waits",
        "Files",
        "Received signals, answers and operations",
        "Requests",
        "Messages",
    ):
        assert f">{label}</a>" in text
    for path in (
        f"{page('changelist', Event)}?run__id__exact={answered.pk}",
        f"{page('changelist', HumanRequest)}?wait__run__id__exact={answered.pk}",
        f"{page('changelist', HumanResponse)}?request__id__exact={request.pk}",
    ):
        assert root.get(path).status_code == 200, path
    assert (
        page("change", Run, answered.pk)
        in root.get(page("change", request, request.pk)).content.decode()
    )


def test_values_are_readable_and_harmless(root: Client, answered: Run) -> None:
    run = run_until_it_waits(
        "typed_inputs", count=1, tags=["<script>alert(1)</script>", "x" * 2000]
    )

    text = root.get(page("change", Run, run.pk)).content.decode()

    assert "<script>alert" not in text
    assert "&quot;count&quot;: 1,\n" in text
    assert "<summary>2," in text
    response = HumanResponse.objects.get()
    assert "<b>Fine" not in root.get(page("change", response, response.pk)).content.decode()


def test_lists_bear_any_query(root: Client, answered: Run) -> None:
    for model in OURS:
        for query in ("q=question", "q=%00", "run__id__exact=junk", "p=99", "o=9", "nonsense=1"):
            path = f"{page('changelist', model)}?{query}"
            assert root.get(path).status_code in {200, 302}, path


def test_rows_that_are_not_there_lead_back(root: Client, answered: Run) -> None:
    for model in OURS:
        for key in ("junk", "0", "_00", "%00"):
            assert root.get(page("change", model, key)).status_code == 302, (model, key)


def test_a_list_costs_the_same_for_any_number_of_rows(
    root: Client, answered: Run, alice: User, bob: User
) -> None:
    lists = [page("changelist", model) for model in OURS]
    before = {path: len(queries_of(root, path)) for path in lists}

    for _ in range(3):
        run = run_until_it_waits("question", by=alice)
        respond(caller(bob), request_of(run), value=False)
        run_until_it_waits("reports", fails=False)

    assert {path: len(queries_of(root, path)) for path in lists} == before


def test_times_are_of_twenty_four_hours(root: Client, answered: Run) -> None:
    afternoon = datetime(2026, 3, 4, 17, 5, tzinfo=timezone.get_current_timezone())
    Run.objects.filter(pk=answered.pk).update(created_at=afternoon)

    for path in (page("changelist", answered), page("change", answered, answered.pk)):
        assert "4 Mar 2026, 17:05:00 UTC" in root.get(path).content.decode()


def test_the_admin_says_whose_it_is(root: Client) -> None:
    text = root.get("/admin/").content.decode()

    assert "<title>Administration · Countersign</title>" in text
    assert "Django administration" not in text


def the_four(answered: Run) -> dict[str, Model]:
    """The rows with a page for people and one in the admin, by their address on the site."""
    request = request_of(answered)
    return {
        f"/runs/{answered.pk}": answered,
        f"/requests/{request.pk}": request,
        f"/procedures/{answered.procedure.name}": answered.procedure,
        f"/chat/{request.session_id}": request.session,
    }


def test_pages_and_admin_lead_to_each_other(
    answered: Run, operators: Group, operator: Client
) -> None:
    grant("question", operators, "operate")

    for address, row in the_four(answered).items():
        managed = page("change", row, row.pk)
        assert f'class="manage" href="{managed}"' in operator.get(address).content.decode()
        assert f'href="{address}"' in operator.get(managed).content.decode()
        narrowed = {"q": "question"} if isinstance(row, Procedure) else {}
        found = operator.get(page("changelist", row), narrowed)
        assert f'href="{address}"' in found.content.decode()


def test_who_may_not_look_into_the_admin_is_not_led_there(
    answered: Run, alice: User, operators: Group, operator: Client
) -> None:
    grant("question", operators, "operate")
    operators.permissions.clear()

    for address in the_four(answered):
        assert 'class="manage"' not in operator.get(address).content.decode()
        assert 'class="manage"' not in browser(alice).get(address).content.decode()


@pytest.mark.usefixtures("static_files")
def test_no_link_leads_to_a_page_that_turns_the_viewer_away(answered: Run, carol: User) -> None:
    """She may look at runs and sessions here, and is a stranger to the run."""
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    names = ["view_run", "view_session", "view_humanrequest", "view_procedure", "view_message"]
    carol.user_permissions.set(Permission.objects.filter(codename__in=names))
    client, request = browser(carol), request_of(answered)

    for model, row in ((Run, answered), (Session, request.session), (HumanRequest, request)):
        for path in (page("changelist", model), page("change", model, row.pk)):
            text = client.get(path).content.decode()
            for href in set(re.findall(r'href="(/[^"#]*)"', text)):
                assert client.get(href, follow=True).status_code == 200, (path, href)


def test_a_deletion_that_stops_at_history_says_what_to_do(
    root: Client, answered: Run, alice: User, finance: Group, carol: User
) -> None:
    note_presence(carol)
    person, group, free = (
        strip_tags(root.get(page("delete", row, row.pk)).content.decode())
        for row in (alice, finance, carol)
    )

    assert "Untick “Active” instead" in person
    assert "Remove its members and grants instead" in group
    assert "permission to delete" not in person + group + free
    assert root.post(page("delete", carol, carol.pk), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=carol.pk).exists()
