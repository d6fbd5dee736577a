"""Responses that are compressed, and those that aren't."""

from collections.abc import Iterator

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import User

from tests.calls import grant, run_until_it_waits
from tests.conftest import group
from tests.processes import Web
from tests.sockets import session_of

LIBRARY = "/static/django_htmx/htmx-2.min.js"
PLAIN, SMALL = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}


@pytest.fixture
def alices(running_web: Web, alice: User) -> Iterator[httpx.Client]:
    cookies = {settings.SESSION_COOKIE_NAME: session_of(alice)}
    with httpx.Client(base_url=running_web.url, cookies=cookies, timeout=60) as client:
        yield client


@pytest.mark.parametrize("path", ["/procedures/release", LIBRARY, "/api/openapi.json"])
def test_whoever_takes_it_gets_it_small(alices: httpx.Client, path: str) -> None:
    plain, small = (alices.get(path, headers=headers) for headers in (PLAIN, SMALL))

    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert len(small.text) == len(plain.text)
    assert small.num_bytes_downloaded < len(plain.content) / 2


def test_a_file_kept_by_the_browser_is_not_sent_again(alices: httpx.Client) -> None:
    kept = alices.get(LIBRARY, headers=SMALL).headers["Last-Modified"]

    again = alices.get(LIBRARY, headers={**SMALL, "If-Modified-Since": kept})

    assert (again.status_code, again.content) == (304, b"")


def test_a_part_of_a_file_and_its_head_are_as_they_are(alices: httpx.Client) -> None:
    part = alices.get(LIBRARY, headers={**SMALL, "Range": "bytes=0-99"})
    head = alices.head(LIBRARY, headers=SMALL)

    assert (part.status_code, len(part.content)) == (206, 100)
    assert (head.status_code, head.content) == (200, b"")
    assert not {"Content-Encoding"} & {*part.headers, *head.headers}


def test_a_download_tells_its_length(alices: httpx.Client, alice: User) -> None:
    grant("reports", group("support"), "start")
    run = run_until_it_waits("reports", by=alice, fails=False)

    for path in (f"/runs/{run.pk}/files/report.csv", f"/api/runs/{run.pk}/artifacts/report.csv"):
        download = alices.get(path, headers=SMALL)
        assert download.headers["Content-Length"] == str(len("a;b\n"))
        assert "Content-Encoding" not in download.headers
