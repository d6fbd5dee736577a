"""The product as an installed app, and pages that browsers fetch ahead."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.staticfiles import finders

from tests.pages import browser, shown


def test_the_manifest_makes_the_site_installable(client: Any) -> None:
    response = client.get("/manifest.webmanifest")
    manifest = response.json()

    assert response.headers["Content-Type"] == "application/manifest+json"
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    for icon in manifest["icons"]:
        assert finders.find(icon["src"].removeprefix("/static/"))
    for shortcut in manifest["shortcuts"]:
        assert client.get(shortcut["url"]).status_code == 302
    assert 'rel="manifest" href="/manifest.webmanifest"' in shown(client.get("/sign-in"))


def test_only_links_of_lists_and_the_menu_are_fetched_ahead(alice: User, client: Any) -> None:
    page = browser(alice).get("/")
    address = page.headers["Speculation-Rules"].strip('"')
    [rule] = client.get(address).json()["prefetch"]

    assert rule["eagerness"] == "moderate"
    assert ".request" not in rule["where"]["selector_matches"]
    assert not client.get("/sign-in").has_header("Speculation-Rules")
    assert not browser(alice).get("/api/me").has_header("Speculation-Rules")
