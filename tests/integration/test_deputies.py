"""Deputies see the runs whose requests they may answer, and only as long as they may."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User

from chat.models import HumanRequest
from chat.services import delegate, revoke_delegation
from dashboard.live.concerned import RunNews
from dashboard.live.rights import views_for
from dashboard.live.streams import Stream
from procedures.models.clock import clock
from procedures.run_lists import RunList
from procedures.viewers import People
from tests.calls import assign_too, caller, grant, request_of, run_until_it_waits
from tests.conftest import create_person
from tests.pages import browser, shown

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PERMISSION = "countersign_chat.operate_request"


@pytest.fixture
def vera(finance: Group) -> User:
    grant("ask_somebody", finance, "start")
    vera = create_person("vera", finance)
    vera.user_permissions.add(Permission.objects.get(codename="operate_request"))
    return vera


def asked_of(whom: str, *, by: User | None = None) -> HumanRequest:
    return request_of(run_until_it_waits("ask_somebody", by=by, whom=whom))


def is_seen(request: HumanRequest, user: User) -> bool:
    """Look at every place where a run can be seen, all of which must agree."""
    run, session = request.wait.run, request.session_id
    person, pages, api = User.objects.get(pk=user.pk), browser(user), caller(user)
    streams = {Stream("run", run.pk), Stream("session", session)}
    views = views_for(People([person]), {stream: {person.pk} for stream in streams})
    found = {
        "page": pages.get(f"/runs/{run.pk}").status_code == 200,
        "list": f"/runs/{run.pk}" in shown(pages.get("/runs")),
        "session": pages.get(f"/chat/{session}").status_code == 200,
        "sessions": f"/chat/{session}" in shown(pages.get("/chat")),
        "request": api.get(f"/api/requests/{request.pk}").status_code == 200,
        "api": str(run.pk) in [one["id"] for one in api.get("/api/runs").json()["items"]],
        "counted": RunList(person).count("waiting")["waiting"] == 1,
        "live": {stream for _, stream in views} == streams,
        "frames": run.pk in RunNews().read([run.pk], [person]).seen[person.pk],
    }
    assert len(set(found.values())) == 1, found
    return found["page"]


@pytest.mark.parametrize("whom", ["@vera", "finance", f"perm:{PERMISSION}"])
def test_a_deputy_sees_what_they_may_answer_until_the_delegation_ends(
    whom: str, vera: User, carol: User
) -> None:
    request = asked_of(whom)
    assert not is_seen(request, carol)
    given = delegate(by=vera, to=carol, until=clock.now() + DAY)
    assert is_seen(request, carol)

    revoke_delegation(given.pk, by=vera)
    assert not is_seen(request, carol)

    delegate(by=vera, to=carol, until=clock.now() + DAY)
    assert is_seen(request, carol)
    clock.ahead += 2 * DAY
    assert not is_seen(request, carol)


def test_a_deputy_sees_nothing_else_of_whoever_is_away(vera: User, carol: User, dave: User) -> None:
    started = asked_of("@dave", by=vera)

    delegate(by=vera, to=carol, until=clock.now() + DAY)

    assert not is_seen(started, carol)
    assert is_seen(started, vera)


def test_a_deputy_of_a_superuser_sees_nothing_that_asks_only_for_a_permission(
    vera: User, carol: User
) -> None:
    User.objects.filter(pk=vera.pk).update(is_superuser=True)
    request = asked_of(f"perm:{PERMISSION}")

    delegate(by=vera, to=carol, until=clock.now() + DAY)
    assert not is_seen(request, carol)
    assert not request.asks(carol)

    assign_too(request, user=vera)
    assert request.asks(carol)
    assert caller(carol).get(f"/api/requests/{request.pk}").status_code == 200
