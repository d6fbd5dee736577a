"""The people of the demo, and its runs."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from chat.models import HumanRequest
from chat.services import Answer, respond
from dashboard.demo.people import NotEmbeddedError, create_demo, create_demo_accounts, demo_users
from dashboard.demo.runs import PASTS, RELEASES, create_demo_runs
from dashboard.environment.variables import DEMO_CHECK
from dashboard.models import StandardGroup
from procedures.models import Grant, Run
from procedures.runner import advance_run
from tests.calls import grant
from tests.configured import configure
from tests.conftest import create_person
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db


def groups_of(name: str) -> list[str]:
    return [group.name for group in User.objects.get(username=name).groups.all()]


def test_everybody_has_a_part() -> None:
    create_demo_accounts()

    assert groups_of("starter") == ["support"]
    assert groups_of("approver") == ["finance"]
    assert groups_of("outsider") == []
    assert groups_of("operator") == ["operators"]
    assert [user.username for _, user in demo_users()] == [
        "starter",
        "approver",
        "outsider",
        "operator",
    ]


def test_nobody_has_a_password_and_only_the_operator_is_staff() -> None:
    create_demo_accounts()

    assert not any(user.has_usable_password() for user in User.objects.all())
    assert [user.username for user in User.objects.filter(is_staff=True)] == ["operator"]
    assert not User.objects.filter(is_superuser=True).exists()


def test_the_operator_may_view_and_operate_and_change_nothing() -> None:
    create_demo_accounts()
    operators = Group.objects.get(name="operators")
    names = set(operators.permissions.values_list("codename", flat=True))

    assert "operate_run" in names
    assert all(name.startswith(("view_", "operate_")) for name in names)


def test_the_operators_of_the_demo_are_the_only_ones() -> None:
    other = StandardGroup.objects.get(kind="operators").group
    assert other.name == "Site operators"  # for code names "operators"

    create_demo_accounts()
    create_demo_accounts()

    assert StandardGroup.objects.get(kind="operators").group.name == "operators"
    assert not Group.objects.filter(name__iendswith="operators").exclude(name="operators").exists()


def test_a_standard_group_with_a_member_stays_beside_the_demos() -> None:
    other = StandardGroup.objects.get(kind="operators").group
    create_person("dave", other)

    create_demo_accounts()

    assert StandardGroup.objects.get(kind="operators").group == other


def test_the_demo_offers_languages_by_their_own_names() -> None:
    create_demo_accounts()
    grant("desk", Group.objects.get(name="support"), "start")

    page = shown(browser(User.objects.get(username="starter")).get("/procedures/desk"))

    assert '<option value="de">Deutsch</option>' in page
    assert '<option value="ar">العربية</option>' in page


def test_a_second_time_resets_nobody() -> None:
    create_demo_accounts()
    starter = User.objects.get(username="starter")
    starter.set_password("correct horse")
    starter.save()
    starter.groups.clear()

    create_demo_accounts()

    starter.refresh_from_db()
    assert starter.check_password("correct horse")
    assert groups_of("starter") == []
    assert User.objects.count() == 4


def test_who_was_deactivated_stays_so() -> None:
    create_demo_accounts()
    User.objects.filter(username="outsider").update(is_active=False)

    create_demo_accounts()

    assert "outsider" not in [user.username for _, user in demo_users()]


def test_notes_of_a_release_wait_for_the_starter(settings: Settings, tmp_path: Path) -> None:
    demo_of(settings, tmp_path)

    create_demo()
    create_demo()

    [run] = Run.objects.filter(procedure__name="release")
    request = HumanRequest.objects.open().get(wait__run=run)
    assert request.prompt == "Are these the release notes of demo 1.3.0?"
    assert [str(asked) for asked in request.assignments.all()] == ["@starter"]
    assert Run.objects.filter(procedure__name="refund").count() == 6


@pytest.mark.django_db(transaction=True)  # the heartbeat of a long step writes too
def test_the_release_of_the_demo_can_be_carried_through(settings: Settings, tmp_path: Path) -> None:
    demo_of(settings, tmp_path)
    create_demo()
    run = Run.objects.get(procedure__name="release")

    for name, value in (("starter", {"decision": "approved"}), ("approver", True)):
        request = HumanRequest.objects.open().get(wait__run=run)
        respond(request.pk, Answer(value), by=User.objects.get(username=name))
        advance_run(run.pk)

    run.refresh_from_db()
    assert run.status == "succeeded"
    tag = tmp_path / "demo-repository" / ".git" / "refs" / "tags" / "v1.3.0"
    assert tag.exists()


def test_without_git_the_demo_has_no_release(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    demo_of(settings, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    create_demo()

    assert "git isn't installed" in caplog.text
    assert not Run.objects.filter(procedure__name="release").exists()


def test_a_site_that_names_other_repositories_keeps_them_to_itself(
    settings: Settings, tmp_path: Path
) -> None:
    demo_of(settings, tmp_path, repository=tmp_path / "theirs")

    create_demo()

    assert not Run.objects.filter(procedure__name="release").exists()
    assert not (tmp_path / "theirs").exists()


def test_a_starter_who_may_start_nothing_any_more_stops_no_start(
    settings: Settings, tmp_path: Path
) -> None:
    demo_of(settings, tmp_path)
    create_demo_accounts()
    User.objects.get(username="starter").groups.clear()

    create_demo()

    assert not Run.objects.exists()


def demo_of(settings: Settings, folder: Path, repository: Path | None = None) -> None:
    """A local folder of its own."""
    configure(settings, LOCAL_DIR=folder)
    path = repository or folder / "demo-repository"
    choices = {"REPOSITORIES": {"demo": str(path)}, "CHECKS": {"tests": DEMO_CHECK}}
    configure(settings, SITE_CHOICES=choices)


def test_a_real_site_gets_no_demo(settings: Settings) -> None:
    configure(settings, IS_EMBEDDED=False)

    with pytest.raises(NotEmbeddedError, match="is a deployed site"):
        create_demo_accounts()

    assert not User.objects.exists()


# Its runs


def grant_of_starter() -> Grant:
    return Grant.objects.get(procedure__name="refund", role="start", group__name="support")


def test_its_runs_are_made_once(caplog: pytest.LogCaptureFixture) -> None:
    create_demo_accounts()
    create_demo_runs()
    runs = list(Run.objects.values_list("idempotency_key", "status").order_by("pk"))
    assert runs == [
        ("demo-nothing-to-ask", "succeeded"),
        ("demo-all-answered", "succeeded"),
        ("demo-given-up", "succeeded"),
        ("demo-failed", "quarantined"),
        ("demo-half-answered", "waiting"),
        ("demo-waiting", "waiting"),
        ("demo-notes-to-review", "waiting"),
    ]

    create_demo_runs()

    assert list(Run.objects.values_list("idempotency_key", "status").order_by("pk")) == runs
    assert not caplog.messages


def test_its_runs_stay_when_sample_and_inputs_are_no_longer_what_they_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    create_demo_accounts()
    create_demo_runs()
    Run.objects.update(inputs='{"limit": "100"}')

    create_demo_runs()

    assert Run.objects.count() == len(PASTS) + len(RELEASES)
    assert not caplog.messages


def test_its_runs_stay_when_nobody_may_start_them_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    create_demo_accounts()
    create_demo_runs()
    grant_of_starter().delete()

    create_demo_runs()

    assert Run.objects.count() == len(PASTS) + len(RELEASES)
    assert not caplog.messages


def test_a_demo_that_cannot_be_made_is_one_line_and_can_be_made_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    create_demo_accounts()
    grant = grant_of_starter()
    grant.delete()

    create_demo_runs()

    assert caplog.messages == [
        "Some runs of the demo couldn't be created: You don't have permission to start Refund "
        "orders. Administrators can."
    ]
    assert not Run.objects.exists()

    grant.save()
    create_demo_runs()

    assert Run.objects.count() == len(PASTS) + len(RELEASES)
