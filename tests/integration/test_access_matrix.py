"""The table of roles: what is changed in it, what it warns of, and who may change what."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from dashboard.accounts.grants import Cell, Difference, change_grants
from dashboard.models import RetiredGroup
from procedures.models import Act, Grant, Procedure
from tests.calls import grant, request_of, run_until_it_waits
from tests.conftest import create_person, group, make_staff
from tests.pages import browser, shown

PATH = "/admin/access/?procedure=question&group="
REASON = "She has joined the team."


@pytest.fixture
def question(db: None) -> Procedure:
    return Procedure.objects.get(name="question")


@pytest.fixture
def eve(support: Group) -> User:
    """Staff who may change grants, in support."""
    user = make_staff(create_person("eve", support))
    user.user_permissions.set(Permission.objects.all())
    return user


def cell(procedure: Procedure, of: Group, role: Any) -> str:
    return str(Cell(procedure.pk, of.pk, role))


def table(client: Client) -> dict[str, Any]:
    """The fields of a browser that sends the table back as it stands."""
    matrix = client.get(PATH).context["matrix"]
    boxes = [box for _, rows in matrix.rows for row in rows for box in row.boxes]
    ticked = [box for box in boxes if box.is_held]
    return {
        "held": matrix.shown,
        "kept": " ".join(str(box.cell) for box in ticked if not box.may_change),
        "grant": [str(box.cell) for box in ticked if box.may_change],
    }


def send(client: Client, fields: dict[str, Any], *, reason: str = "") -> Any:
    decided = {"is_decided": "yes", "reason": reason} if reason else {}
    return client.post(PATH, {**fields, **decided})


def confirmed(response: Any) -> dict[str, Any]:
    """The fields that the page of the difference sends back."""
    return {"confirmed": dict(response.context["sent"])["confirmed"]}


@pytest.fixture
def no_roles(question: Procedure) -> None:
    Grant.objects.filter(procedure=question).delete()


@pytest.mark.usefixtures("no_roles", "bob")
def test_the_difference_is_shown_first_and_saved_with_a_reason(
    root: Client, finance: Group, support: Group, question: Procedure
) -> None:
    grant("question", support, "start")
    fields = table(root)
    fields["grant"] = [cell(question, finance, "answer")]

    told = send(root, fields)

    words = shown(told)
    assert "Members of finance get “Answer” on" in words
    assert "The group has 1 active member." in words
    assert "Members of support lose “Start” on" in words
    assert "The group has no active members." in words
    assert [*Grant.objects.filter(procedure=question).values_list("role", flat=True)] == ["start"]

    assert send(root, fields | confirmed(told)).status_code == 200  # without a reason
    assert send(root, fields | confirmed(told), reason=REASON).status_code == 302
    [now] = Grant.objects.filter(procedure=question)
    assert (now.group, now.role) == (finance, "answer")
    entry = Act.objects.about(question).latest("pk")
    assert entry.words == "Granted answer to finance. Revoked start from support."
    assert (entry.kind, entry.reason) == ("grant", REASON)


@pytest.mark.usefixtures("no_roles")
def test_a_table_that_was_open_for_long_changes_only_what_was_ticked_in_it(
    root: Client, finance: Group, support: Group, question: Procedure
) -> None:
    fields = table(root)
    grant("question", support, "start")  # somebody else, meanwhile
    fields["grant"] = [cell(question, finance, "see")]

    told = send(root, fields)
    send(root, fields | confirmed(told), reason=REASON)

    held = set(Grant.objects.filter(procedure=question).values_list("group", "role"))
    assert held == {(finance.pk, "see"), (support.pk, "start")}


@pytest.mark.usefixtures("no_roles")
def test_the_log_names_only_what_was_changed(
    root: Client, admin_user: User, finance: Group, support: Group, question: Procedure
) -> None:
    grant("question", support, "see")
    RetiredGroup.objects.create(group=finance)
    taken, gone = cell(question, support, "start"), str(Cell(question.pk, 10**9, "see"))
    held, retired = cell(question, support, "see"), cell(question, finance, "see")
    fields = {"held": taken, "kept": "", "grant": [held, retired, gone]}

    answer = root.post(PATH, fields, follow=True)  # others have done or prevented all of it
    new = cell(question, support, "answer")
    difference = Difference.between([taken], [held, retired, gone, new])
    change_grants(difference, by=admin_user, reason=REASON)

    assert "Nothing was changed." in shown(answer)
    assert list(Act.objects.about(question).values_list("words", flat=True)) == [
        "Granted answer to support."
    ]
    assert not Grant.objects.filter(procedure=question, group=finance).exists()


@pytest.mark.usefixtures("no_roles")
def test_nothing_changed_is_said(root: Client) -> None:
    answer = root.post(PATH, table(root), follow=True)

    assert "Nothing was changed." in shown(answer)


@pytest.mark.usefixtures("no_roles", "bob")
def test_it_says_who_would_be_left_without_an_answer(
    root: Client, alice: User, finance: Group, support: Group, question: Procedure
) -> None:
    grant("question", finance, "answer")
    grant("question", support, "start")
    request = request_of(run_until_it_waits("question", by=alice))
    fields = table(root)
    fields["grant"].remove(cell(question, finance, "answer"))

    told = send(root, fields)

    assert "Nobody would have the role “answer” on 1 procedure any more" in shown(told)
    unconfirmed = send(root, fields, reason=REASON)
    assert unconfirmed.status_code == 200
    assert Grant.objects.filter(procedure=question, role="answer").exists()
    assert send(root, fields | confirmed(told), reason=REASON).status_code == 302
    assert not Grant.objects.filter(procedure=question, role="answer").exists()
    request.refresh_from_db()
    assert request.is_open


@pytest.mark.usefixtures("no_roles")
def test_people_change_only_roles_that_they_have(
    eve: User, support: Group, finance: Group, question: Procedure
) -> None:
    eve.user_permissions.remove(Permission.objects.get(codename="operate_run"))
    grant("question", support, "start")
    grant("question", finance, "answer")
    client = browser(eve)
    fields, before = table(client), set(Grant.objects.values_list("pk"))

    for role in ("see", "answer", "operate", "cancel"):
        wanted = [*fields["grant"], cell(question, support, role)]
        assert send(client, {**fields, "grant": wanted}, reason=REASON).status_code == 403
    taken = {**fields, "kept": ""}  # of finance, which eve couldn't untick
    assert send(client, taken, reason=REASON).status_code == 403
    assert set(Grant.objects.values_list("pk")) == before

    wanted = [*fields["grant"], cell(question, finance, "start")]
    told = send(client, {**fields, "grant": wanted})
    assert send(client, {**fields, "grant": wanted} | confirmed(told), reason=REASON)
    assert Grant.objects.filter(procedure=question, group=finance, role="start").exists()


@pytest.mark.parametrize("codename", ["add_grant", "delete_grant", "view_grant"])
@pytest.mark.usefixtures("no_roles")
def test_each_permission_counts(
    eve: User, support: Group, question: Procedure, codename: str
) -> None:
    grant("question", support, "start")
    client, fields = browser(eve), table(browser(eve))
    eve.user_permissions.remove(Permission.objects.get(codename=codename))
    other = cell(question, group("other"), "start")
    add = send(client, {**fields, "grant": [*fields["grant"], other]})
    delete = send(client, {**fields, "grant": []})

    allowed = {"add_grant": (403, 200), "delete_grant": (200, 403), "view_grant": (403, 403)}
    assert (add.status_code, delete.status_code) == allowed[codename]
    assert client.get(PATH).status_code == (403 if codename == "view_grant" else 200)


@pytest.mark.usefixtures("no_roles")
@pytest.mark.parametrize("text", ["", "x", "1:2", "1:2:rule", "9" * 5000 + ":1:see", "1:-2:see"])
def test_what_names_no_cell_changes_nothing(root: Client, text: str) -> None:
    answer = root.post(PATH, {"grant": [text], "held": text}, follow=True)

    assert "Nothing was changed." in shown(answer)


def test_more_procedures_and_groups_are_on_further_pages(root: Client) -> None:
    Procedure.objects.bulk_create(
        Procedure(name=f"wide_{number:02}", title="Wide") for number in range(30)
    )
    Group.objects.bulk_create(Group(name=f"many {number:02}") for number in range(10))
    path, procedures, groups = "/admin/access/?procedure=wide_&group=many", [], set[str]()
    while path:
        matrix = root.get(path).context["matrix"]
        procedures += [one.name for one, _rows in matrix.rows]
        groups |= {one.name for one, _people in matrix.columns}
        path = matrix.links["next_procedures"]
    path = root.get("/admin/access/?group=many").context["matrix"].links["next_groups"]
    groups |= {one.name for one, _people in root.get(path).context["matrix"].columns}

    assert procedures == [f"wide_{number:02}" for number in range(30)]
    assert len(groups) == 10


def test_filters_take_several_names(root: Client, finance: Group, support: Group) -> None:
    found = root.get("/admin/access/?procedure=question&group=finance, upport,").context["matrix"]

    assert [one for one, _people in found.columns] == [finance, support]
    both = root.get("/admin/access/?procedure=ask people,Question&group=finance").context["matrix"]
    names = {one.name for one, _rows in both.rows}
    assert {"ask", "question"} <= names
    assert all("question" in name or name == "ask" for name in names)
