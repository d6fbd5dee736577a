"""Every page's own description, and the pages about errors."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client

from dashboard.environment.variables import CHECKOUT

TEMPLATES = sorted((CHECKOUT / "templates").rglob("*.html"))


def policy_of(client: Client, path: str) -> str:
    return client.get(path).headers["Content-Security-Policy"]


def test_our_pages_load_and_send_only_here(client: Client, db: None) -> None:
    assert policy_of(client, "/sign-in") == (
        "default-src 'self'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    )
    assert policy_of(client, "/nowhere") == policy_of(client, "/sign-in")


def test_only_the_api_docs_may_style_themselves(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)

    assert "style-src 'self' 'unsafe-inline'" in policy_of(client, "/api/docs")
    assert "unsafe-inline" not in policy_of(client, "/api/docs/other")
    assert "unsafe-inline" not in policy_of(client, "/admin/")
    assert "script-src" not in policy_of(client, "/api/docs")


FILES = {"evidence_file.html"}
"""The templates of files that people download, which need nothing beside them."""
PAGES = [
    template
    for template in TEMPLATES
    if template.name not in FILES and "mail" not in template.parts
]


@pytest.mark.parametrize("template", PAGES, ids=lambda path: path.name)
def test_no_template_has_inline_styles_or_scripts(template: Path) -> None:
    text = template.read_text()

    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)", text)


def test_what_is_not_there_is_said_in_our_hand(client: Client, db: None) -> None:
    page = client.get("/nowhere")

    assert page.status_code == 404
    assert b"Not found, or you don't have access" in page.content


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_need_nothing_that_may_be_broken(name: str) -> None:
    assert "Go home" in render_to_string(name)


@pytest.mark.usefixtures("static_files")
def test_the_styles_are_served(client: Client, db: None) -> None:
    page = client.get("/sign-in").content.decode()
    found = re.search(r'href="([^"]+app[^"]*\.css)"', page)

    assert found
    assert client.get(found[1]).status_code == 200
