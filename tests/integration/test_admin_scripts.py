"""The admin's pages are drawn before their scripts have come."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.pages import browser

pytestmark = pytest.mark.django_db
BLOCKING = {"theme.js", "admin-sidebar.js", "jsi18n/"}
"""Scripts that must run before the first view, or are small and in Django's own templates."""


def scripts_of(client: Client, path: str) -> list[tuple[str, str]]:
    """The name and the other attributes of each script that a page loads."""
    html = client.get(f"/admin/{path}").content.decode()
    tags = re.findall(r'<script ([^>]*?)src="([^"]*)"([^>]*)>', html)
    return [
        (src.rpartition("/admin/")[2].rpartition("js/")[2] or src, before + after)
        for before, src, after in tags
    ]


@pytest.mark.parametrize(
    "path", ["auth/group/add/", "auth/user/{}/change/", "auth/user/{}/delete/", "auth/user/"]
)
def test_pages_wait_for_no_script_of_a_form_or_list(path: str, admin_user: User) -> None:
    scripts = scripts_of(browser(admin_user), path.format(admin_user.pk))

    late = [(name, how) for name, how in scripts if not name.endswith(tuple(BLOCKING))]
    assert late
    assert all(re.search("defer|async|module", how) for _, how in late), late


def test_deferred_scripts_keep_their_order(admin_user: User) -> None:
    names = [
        name for name, how in scripts_of(browser(admin_user), "auth/group/add/") if "defer" in how
    ]

    jquery = next(place for place, name in enumerate(names) if "jquery" in name)
    assert jquery < names.index("SelectFilter2.js") < names.index("prepopulate_init.js")
