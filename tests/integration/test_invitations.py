"""Inviting people: what a list means, what the preview says, and what is done then."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dashboard.accounts.invitations import MOST, InvitationLine, read_lines
from dashboard.models import RetiredGroup
from procedures.models import Act
from tests.conftest import create_manager, create_person
from tests.pages import browser, path_in, shown

PATH = "/admin/people/invite/"
TABLE = """\
Email;Name;First name;Last name;Groups
Ann.Blum@bank.example;ann;Ann;Blum;finance|support
max@bank.example;;;;
"""


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\0 \n", []),
        ("ann@bank.example", [InvitationLine("ann@bank.example")]),
        (
            "Ann Blum <ann@bank.example>, max@bank.example\n\nzoe@bank.example",
            [
                InvitationLine("ann@bank.example", first_name="Ann", last_name="Blum"),
                InvitationLine("max@bank.example"),
                InvitationLine("zoe@bank.example"),
            ],
        ),
        (
            TABLE,
            [
                InvitationLine(
                    "Ann.Blum@bank.example", "ann", "Ann", "Blum", ("finance", "support")
                ),
                InvitationLine("max@bank.example"),
            ],
        ),
        (
            'name,e-mail,groups,team\nann,ann@bank.example,"finance; support",7\nmax',
            [
                InvitationLine("ann@bank.example", "ann", groups=("finance", "support")),
                InvitationLine("", "max"),
            ],
        ),
        (
            '"Groups","E-mail"\n"support","ann@bank.example"',
            [InvitationLine("ann@bank.example", groups=("support",))],
        ),
        (
            "email\tfirst name\tgroups\nann@bank.example\tAnn, Dr.\tfinance;support",
            [InvitationLine("ann@bank.example", "", "Ann, Dr.", groups=("finance", "support"))],
        ),
    ],
)
def test_a_list_is_read_as_addresses_or_as_a_table(text: str, lines: list[InvitationLine]) -> None:
    assert read_lines(text) == lines


def preview(client: Client, addresses: str, *groups: Group, way: str = "show") -> Any:
    fields = {"addresses": addresses, "groups": [one.pk for one in groups], "way": way}
    return client.post(PATH, fields)


def confirm(client: Client, previewed: Any) -> Any:
    """Send what the button of the preview sends."""
    cleaned = previewed.context["form"].cleaned_data
    fields = {
        "addresses": cleaned["text"],
        "groups": [one.pk for one in cleaned["groups"]],
        "way": cleaned["way"],
        "seen": previewed.context["seen"],
        "is_decided": "yes",
    }
    return client.post(PATH, fields)


def test_nobody_is_invited_before_the_preview_is_confirmed(
    root: Client, bob: User, finance: Group, support: Group
) -> None:
    User.objects.filter(pk=bob.pk).update(email="BOB@bank.example")
    text = f"{TABLE}bob@bank.example;;;;\nann@bank.example;ann;;;\nnobody;;;;\n"
    text += "zoe@bank.example;;;;builders\nmax@bank.example;;;;\n"

    told = preview(root, text, support)

    page = shown(told)
    assert "2 accounts would be created." in page
    assert "Already has an account" in page
    assert "Another account has the name ann." in page
    assert "This isn&#x27;t an e-mail address." in page
    assert "You can&#x27;t add people to the group builders." in page
    assert "This address is in the list twice." in page
    assert not User.objects.filter(username="ann").exists()

    done = confirm(root, told)

    ann, new = User.objects.get(username="ann"), User.objects.get(username="max")
    assert (ann.email, ann.first_name, ann.last_name) == ("Ann.Blum@bank.example", "Ann", "Blum")
    assert set(ann.groups.all()) == {finance, support}
    assert set(new.groups.all()) == {support}
    assert not ann.has_usable_password()
    assert User.objects.get(pk=bob.pk).groups.get() == finance
    [link] = [one for (user, _), one, _ in done.context["invited"] if user == ann]
    assert Client().post(path_in(link)).status_code == 302
    entries = Act.objects.filter(about="ann").values_list("words", flat=True)
    assert "Invited Ann.Blum@bank.example. Groups: finance, support." in entries


def test_a_file_is_read_and_links_go_by_mail(root: Client, finance: Group) -> None:
    file = SimpleUploadedFile("people.csv", b"\xef\xbb\xbf" + TABLE.encode())
    told = root.post(PATH, {"file": file, "way": "mail", "groups": []})

    done = confirm(root, told)

    assert {tuple(letter.to) for letter in mail.outbox} == {
        ("Ann.Blum@bank.example",),
        ("max@bank.example",),
    }
    assert [link for _, link, is_sent in done.context["invited"] if link or not is_sent] == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Enter an address, or choose a file."),
        ({"addresses": "\n".join(f"a{n}@b.example" for n in range(MOST + 1))}, "the limit is 100"),
        ({"file": SimpleUploadedFile("x.csv", b"\xff\xfe")}, "isn&#x27;t text in UTF-8"),
        ({"file": SimpleUploadedFile("x.csv", b"a" * 300_000)}, "larger than 100 KB."),
        (
            {"addresses": "a@b.example", "file": SimpleUploadedFile("x.csv", b"c@b.example")},
            "but not both",
        ),
    ],
)
def test_what_cant_be_read_is_said(root: Client, fields: dict[str, Any], words: str) -> None:
    assert words in shown(root.post(PATH, {"way": "show", **fields}))


def test_what_the_fields_of_an_account_cant_store_is_refused_or_cut(root: Client) -> None:
    long = f"a@{'.'.join(['b' * 60] * 5)}.example"
    told = preview(root, f"email,name,first name\n{long},ann,\nmax@bank.example,,{'M' * 200}\n")

    assert "too long. The limit is 254 characters." in shown(told)
    confirm(root, told)
    assert not User.objects.filter(username="ann").exists()
    assert User.objects.get(username="max").first_name == "M" * 150


def test_a_preview_that_is_out_of_date_is_shown_again(root: Client) -> None:
    told = preview(root, "ann@bank.example")
    create_person("ann")

    again = confirm(root, told)

    assert "Nobody has been invited yet" in shown(again)
    done = confirm(root, again)
    assert [one.user.username for one, _link, _ in done.context["invited"]] == ["ann@bank.example"]


def test_staff_invite_into_groups_that_they_are_in_and_under_names_no_code_asks(
    clerks: Group,
    finance: Group,
) -> None:
    RetiredGroup.objects.create(group=Group.objects.create(name="old"))
    by = browser(create_manager(clerks, Group.objects.get(name="old")))

    offered = by.get(PATH).context["form"].fields["groups"].queryset
    assert list(offered) == [clerks]
    assert "form" in preview(by, "ann@bank.example", finance).context  # refused, as not offered
    table = "email;name;groups\nann@bank.example;;finance\ndave@bank.example;;clerks\n"
    table += "max@bank.example;;clerks\n"
    told = preview(by, table)
    assert [bool(one.fault) for one in told.context["guests"]] == [True, True, False]
    confirm(by, told)
    assert set(User.objects.get(username="max").groups.all()) == {clerks}
    assert not User.objects.filter(username="dave").exists()


def test_only_whoever_may_add_people_invites_them(db: None) -> None:
    user = create_manager()
    user.user_permissions.remove(*user.user_permissions.filter(codename="add_user"))

    assert browser(user).get(PATH).status_code == 403
    assert PATH not in shown(browser(user).get("/admin/people/"))
