"""The steps of a sign-in with a company account, in Django's test client and at the provider."""

import re
from html import unescape
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

from procedures.models import Act

WORDS = re.compile(r'<p class="notice" role="alert">([^<]+)')


def to_company(client: Client, **fields: str) -> str:
    """The address at the company to which the page after the button leads."""
    return leading_to(client.post("/company-sign-in/corp", fields))


def leading_to(response: Any) -> str:
    page = response.content.decode()
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert found, page
    return unescape(found[1])


def back(address: str) -> str:
    """The path with which the company sends the browser back."""
    url = urlsplit(address)
    connection = HTTPConnection(str(url.hostname), url.port)
    connection.request("GET", f"{url.path}?{url.query}")
    there = urlsplit(str(connection.getresponse().headers["Location"]))
    connection.close()
    return f"{there.path}?{there.query}"


def sign_in(client: Client, **fields: str) -> Any:
    return client.get(back(to_company(client, **fields)))


def refusal(response: Any) -> tuple[int, str]:
    found = WORDS.search(response.content.decode())
    assert found, response.content.decode()
    return response.status_code, unescape(found[1])


def acts() -> set[str]:
    return set(Act.objects.values_list("words", flat=True))
