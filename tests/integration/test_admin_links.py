"""Members of the standard groups are led to no page of the admin that turns them away."""

import re

from django.contrib.auth.models import Permission

from dashboard.models import StandardGroup
from procedures.models import Run
from tests.conftest import create_person, make_staff
from tests.pages import browser

HOLDERS = re.compile(r'href="/admin/access/\w')


def test_access_leads_to_the_holders_of_a_role_only_if_the_viewer_may_see_people(
    answered: Run,
) -> None:
    viewer = make_staff(create_person("viewer", StandardGroup.objects.get(kind="operators").group))
    before = browser(viewer).get("/admin/access/").content.decode()
    viewer.user_permissions.add(Permission.objects.get(codename="view_user"))
    after = browser(viewer).get("/admin/access/").content.decode()

    assert "Start" in before
    assert not HOLDERS.search(before)
    assert HOLDERS.search(after)
