"""Two acts in the admin at the same moment, which together leave nobody to answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from chat.models import HumanRequest
from chat.services import requests_without_answerers
from dashboard.admin.careful import watches
from tests.admin_acts import ALL_THE_SAME, GROUP, Act, form
from tests.conftest import create_person, group
from tests.integration.test_losses import held, permit_group
from tests.pages import browser, shown
from tests.processes import wait_until


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer")
@pytest.mark.usefixtures("transactional_db")
def test_of_two_groups_that_lose_a_permission_at_the_same_moment_the_second_is_warned(
    root: Client, asks_erin: HumanRequest, admin_user: User
) -> None:
    permit_group(asks_erin)
    create_person("zoe", group("others")).groups.get().permissions.add(held())
    both = [group("audit"), group("others")]
    forms = [form(root, GROUP, one.pk, lambda sent: sent.update(permissions=[])) for one in both]
    clients = [browser(admin_user) for _ in both]
    looked: list[None] = []

    def look() -> None:
        """Wait, once the first deletion knows what it would break, until the second does too."""
        looked.append(None)
        wait_until(lambda: len(looked) == 2 or waits_for_a_lock(), what="the second")

    def leave(client: Client, act: Act) -> str:
        try:
            return shown(client.post(act.path, act.fields, follow=True))
        finally:
            connection.close()

    watches.append(lambda: look)
    try:
        with ThreadPoolExecutor(2) as threads:
            pages = list(threads.map(leave, clients, forms))
    finally:
        watches.pop()

    assert sorted(ALL_THE_SAME in page for page in pages) == [False, True]
    assert held().group_set.filter(pk__in=[one.pk for one in both]).count() == 1
    assert not requests_without_answerers().exists()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None
