"""Staff who follow the links of the admin's pages: each link opens for whoever sees it."""

import re
from collections import defaultdict
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from django.urls import resolve

from tests.role_site import AUDITOR, MANAGER, OPERATOR, Site, build_site

pytestmark = pytest.mark.django_db
LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"')
MOST_MENU_LINKS = 60
"""More links than the menu and the frame of a page have."""


@pytest.fixture(scope="module")
def site(module_rows: None) -> Site:
    return build_site()


@pytest.mark.parametrize("role", [OPERATOR, AUDITOR, MANAGER])
def test_each_link_of_a_page_of_the_admin_opens_for_its_reader(site: Site, role: str) -> None:
    pages = [one for one in site.paths() if site.page(role, one).status_code == 200]
    found = {link: page for page in pages for link in links_in(site.page(role, page))}
    shut = {link: page for link, page in found.items() if not opens(site, role, link)}

    assert shut == {}
    assert len(found) > MOST_MENU_LINKS


def links_in(page: Any) -> set[str]:
    """The addresses on this site to which a page links, two of those that lead to one view."""
    here = str(page.wsgi_request.get_full_path())
    found = [urljoin(here, unescape(one)) for one in LINK.findall(page.content.decode())]
    kinds = defaultdict[tuple[str, ...], list[str]](list)
    for link in sorted({one for one in found if one.startswith("/")}):
        address = urlsplit(link)
        kinds[resolve(address.path).view_name, *sorted(parse_qs(address.query))].append(link)
    return {one for links in kinds.values() for one in links[:2]}


def opens(site: Site, role: str, link: str) -> bool:
    answer = site.browser(role).get(link, follow=True)
    return bool(answer.status_code == 200)
