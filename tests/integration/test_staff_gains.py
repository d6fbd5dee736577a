"""Staff with every right but superuser: what no form, filter, list or address gives them."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from dashboard.models import ApiToken, PushSubscription, SignIn
from procedures.databases import OURS
from procedures.models import Act, Grant, Procedure
from tests.calls import grant, run_until_it_waits
from tests.integration.test_people_admin import eve, state  # noqa: F401 (a fixture)
from tests.pages import browser


@pytest.fixture
def eves(eve: User) -> Client:  # noqa: F811
    return browser(eve)


def page(model: Any, name: str = "changelist", *args: Any) -> str:
    meta = model._meta  # noqa: SLF001 (Django documents it)
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=args)


def secrets_of(user: User) -> list[tuple[type[Any], str, str]]:
    """The places where a filter could be asked for a secret, with the lookup and the secret."""
    key = str(user.sign_ins.get().session_id)
    token = str(ApiToken.objects.get(user=user).digest)
    password = user.password
    endpoint = "https://push.example/x"
    own = [
        (PushSubscription, "endpoint", endpoint),
        (SignIn, "push_subscription__endpoint", endpoint),
        (User, "sign_ins__push_subscription__endpoint", endpoint),
        *((SignIn, f"session{path}", key) for path in ("", "__pk", "__session_key")),
        (SignIn, "session_id", key),
        (ApiToken, "digest", token),
        (User, "password", password),
        (User, "sign_ins__session__session_key", key),
        (User, "api_tokens__digest", token),
    ]
    through = [
        *((model, "user__password", password) for model in (SignIn, ApiToken)),
        *((model, "user__sign_ins__session", key) for model in (SignIn, ApiToken)),
        (Grant, "group__user__password", password),
        (Group, "user__password", password),
    ]
    return [*own, *through]


def test_no_filter_tells_whether_a_secret_begins_so(eves: Client, admin_user: User) -> None:
    browser(admin_user)
    ApiToken.create_for(admin_user)
    sign_in = admin_user.sign_ins.get()
    PushSubscription.objects.create(sign_in=sign_in, endpoint="https://push.example/x")

    for model, path, secret in secrets_of(admin_user):
        for lookup, value in (
            ("", secret),
            ("__in", secret),
            ("__startswith", secret[:2]),
            ("__gte", secret),
            ("__regex", f"^{secret[:1]}"),
        ):
            asked = {f"{path}{lookup}": value}
            assert not is_listed(eves.get(page(model), asked)), (model, path, lookup)


def is_listed(answer: Any) -> bool:
    return answer.status_code == 200 and "cl" in (answer.context or {})


def test_lists_are_still_filtered_by_what_they_show(eves: Client, alice: User) -> None:
    browser(alice)

    assert is_listed(eves.get(page(SignIn), {"user__id__exact": alice.pk}))
    assert is_listed(eves.get(page(User), {"is_staff__exact": 1}))


def test_a_new_account_gets_no_rights_by_fields_that_the_form_lacks(
    eves: Client, finance: Group
) -> None:
    password = "correct horse battery"
    more = {"is_staff": "on", "is_superuser": "on", "groups": [finance.pk]}
    every = list(Permission.objects.values_list("pk", flat=True))
    fields = {"password1": password, "password2": password, "usable_password": "true"}

    sent = {"username": "fresh", **fields, **more, "user_permissions": every}
    assert eves.post(page(User, "add"), sent).status_code == 302

    fresh = User.objects.get(username="fresh")
    assert (fresh.is_staff, fresh.is_superuser) == (False, False)
    assert [*fresh.groups.all(), *fresh.user_permissions.all()] == []


@pytest.mark.parametrize("how", ["_saveasnew", "_continue", "_addanother", "_save"])
def test_no_button_saves_what_the_form_lacks(
    eves: Client,
    eve: User,  # noqa: F811
    carol: User,
    how: str,
) -> None:
    before = state()
    hidden = {"is_superuser": "on", "is_staff": "on", "pk": 1, "id": 1, "form-0-id": eve.pk}

    for user in (eve, carol):
        sent = {"username": user.username, "is_active": "on", how: "1", **hidden}
        eves.post(page(User, "change", user.pk), sent)
        eves.post(f"{page(User, 'change', user.pk)}?_popup=1&_to_field=username", sent)

    assert [person for person in state()[0] if person[4:6] != (False, False)] == [
        person for person in before[0] if person[4:6] != (False, False)
    ]


def test_no_list_edits_rows_or_acts_on_others(
    eves: Client, admin_user: User, finance: Group, dave: User
) -> None:
    User.objects.filter(pk=dave.pk).update(is_staff=True)
    grant("question", finance, "answer")
    before = state()
    formset = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "_save": "Save"}

    for model, row in (
        (User, admin_user),
        (User, dave),
        (Group, finance),
        (Grant, Grant.objects.filter(group=finance)[0]),
    ):
        every = {"select_across": "1", "_selected_action": row.pk, "post": "yes"}
        eves.post(page(model), {**every, "action": "delete_selected"})
        eves.post(page(model), {**formset, "form-0-id": row.pk, "form-0-is_superuser": "on"})

    assert state() == before


def test_what_only_the_product_writes_is_written_by_no_form(
    eves: Client, admin_user: User, alice: User
) -> None:
    browser(admin_user)
    ApiToken.create_for(admin_user)
    run_until_it_waits("question")
    own = {User, Group, Grant, Procedure}
    models = [one for one in admin.site._registry if one not in own]  # noqa: SLF001
    assert {one._meta.app_label for one in models} >= OURS  # noqa: SLF001

    for model in models:
        count, row = model._default_manager.count(), model._default_manager.first()  # noqa: SLF001
        for path in [page(model, "add"), *([page(model, "change", row.pk)] if row else [])]:
            answered = eves.post(path, {"user": 1, "scopes": '["operate"]', "post": "yes"})
            assert answered.status_code in (302, 403), path
        if model is not Act:
            assert model._default_manager.count() == count, model  # noqa: SLF001
    assert Session.objects.filter(sign_in__user=admin_user).count() == 1


def test_an_autocompletion_tells_no_secret(eves: Client, admin_user: User) -> None:
    browser(admin_user)
    key = str(admin_user.sign_ins.get().session_id)

    for model in apps.get_models():
        meta = model._meta  # noqa: SLF001
        for field in meta.concrete_fields:
            model_name = str(meta.model_name)
            asked = {"app_label": meta.app_label, "model_name": model_name, "term": ""}
            asked["field_name"] = field.name
            found = eves.get("/admin/autocomplete/", asked)
            assert key not in found.content.decode()
            assert admin_user.password not in found.content.decode()
