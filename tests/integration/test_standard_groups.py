"""The groups that every site has: made and filled by `migrate`, and nobody gains by their names."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from dashboard.accounts.standard_groups import NAMES, fill_standard_groups, permissions_for
from dashboard.models import FormerName, StandardGroup
from tests.conftest import create_person

pytestmark = pytest.mark.django_db
Kind = StandardGroup.Kind


def group_for(kind: StandardGroup.Kind) -> Group:
    return StandardGroup.objects.get(kind=kind).group


def test_a_migrated_site_has_all_three_without_members() -> None:
    found = {kind: group_for(kind) for kind in Kind}

    assert all(group.name in NAMES[kind] for kind, group in found.items())
    assert not User.objects.filter(groups__in=found.values()).exists()


@pytest.mark.parametrize(
    ("kind", "may", "may_not"),
    [
        (
            Kind.OPERATORS,
            {"countersign_procedures.operate_run", "countersign_chat.operate_request"},
            {"auth.view_user", "countersign_procedures.add_grant"},
        ),
        (
            Kind.AUDITORS,
            {"admin.view_logentry", "auth.view_user", "countersign_procedures.view_event"},
            {"countersign_procedures.operate_run", "auth.change_user"},
        ),
        (
            Kind.MANAGERS,
            {"auth.change_user", "auth.add_group", "countersign_procedures.delete_grant"},
            {"countersign_procedures.operate_run", "auth.delete_user", "auth.add_permission"},
        ),
    ],
)
def test_members_may_what_their_group_is_for(
    kind: StandardGroup.Kind, may: set[str], may_not: set[str]
) -> None:
    held = create_person("erin", group_for(kind)).get_all_permissions()

    assert may <= held
    assert not may_not & held


def test_a_migration_adds_what_is_missing_and_takes_nothing_away() -> None:
    operators, own = group_for(Kind.OPERATORS), Permission.objects.get(codename="delete_group")
    operators.permissions.set([own])
    operators.name = "Night shift"
    operators.save()

    fill_standard_groups()
    fill_standard_groups()

    assert set(operators.permissions.all()) == {own, *permissions_for(Kind.OPERATORS)}
    assert StandardGroup.objects.count() == len(Kind)


def test_a_deleted_group_comes_back_without_members() -> None:
    auditors = group_for(Kind.AUDITORS)
    create_person("erin", auditors)
    auditors.delete()
    FormerName.objects.all().delete()  # the group's own name, which nobody else may take

    fill_standard_groups()

    assert not User.objects.filter(groups=group_for(Kind.AUDITORS)).exists()


def test_members_of_a_group_with_such_a_name_gain_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    StandardGroup.objects.get(kind=Kind.AUDITORS).group.delete()
    FormerName.objects.all().delete()
    erin = create_person("erin", Group.objects.create(name="auditors"))

    fill_standard_groups()

    assert not erin.get_all_permissions()
    made = group_for(Kind.AUDITORS)
    assert made.name == "Site auditors"

    made.delete()  # its name is reserved now, as every former name is
    fill_standard_groups()
    assert not StandardGroup.objects.filter(kind=Kind.AUDITORS).exists()
    assert "standard group auditors wasn't created" in caplog.text
