"""The site of which `bench.looks` measures every page."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from tests.gallery.pages import looks
from tests.gallery.stage import Stage, set_stage
from tests.pages import browser

REFUSED = {403, 404, 410}


@pytest.fixture
def stage(settings: Settings) -> Stage:
    settings.COUNTERSIGN = {**settings.COUNTERSIGN, "IS_EMBEDDED": True}
    return set_stage(runs=4, requests=2)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_each_page_of_the_gallery_is_there(stage: Stage) -> None:
    clients = {name: browser(user) for name, user in stage.people.items()} | {"": Client()}
    found = {}
    for look in looks(stage):
        if not look.html:
            answer = clients[look.person].get(look.path, follow=True)
            found[look.name] = answer.status_code

    assert not {name for name, status in found.items() if status not in {200, *REFUSED}}
    refused = {name for name, status in found.items() if status in REFUSED}
    assert refused == {
        *("not found", "not theirs", "request, problem", "request, of others"),
        "link to sign in, used",
    }
