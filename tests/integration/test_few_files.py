"""A page loads one stylesheet and a handful of scripts."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import Client

from tests.pages import ask, browser, shown

MOST_SCRIPTS = 3
STYLES = re.compile(r'<link rel="stylesheet" href="/static/([^"]+)"')
SOURCES = re.compile(r'<script\b[^>]*\bsrc="/static/([^"]+)"')


@pytest.mark.parametrize(
    "page", ["home", "chat", "runs", "run", "procedures", "request", "sign-in"]
)
def test_a_page_loads_one_stylesheet_and_few_scripts(page: str, alice: User, bob: User) -> None:
    request = ask("approval", by=alice)
    address = {
        "home": "/",
        "chat": f"/chat/{request.session_id}",
        "run": f"/runs/{request.wait.run_id}",
        "request": f"/requests/{request.pk}",
    }.get(page, f"/{page}")

    html = shown((Client() if page == "sign-in" else browser(bob)).get(address))
    styles, scripts = STYLES.findall(html), SOURCES.findall(html)

    assert len(styles) == 1
    assert len(scripts) <= MOST_SCRIPTS
    for name in (*styles, *scripts):
        found = finders.find(name)
        assert isinstance(found, str)
        assert not re.search(r"^\s*(@import|import) ", Path(found).read_text(), re.MULTILINE)
