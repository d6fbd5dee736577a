"""Both clients, at a real site."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from django.contrib.auth.models import Group, User

from chat.models import HumanRequest
from countersign_client import AsyncClient, Client
from dashboard.models import ApiToken, Scope
from tests.client.blocking import Blocking
from tests.client.relay import Relay, relay
from tests.outside import allow, allow_runs
from tests.processes import Web, Worker, wait_until

PATIENCE = 60


class Open:
    """Opens clients of users at the site, or at another address, with all scopes or with some."""

    def __init__(self, kind: Any, url: str, portal: BlockingPortal, stack: ExitStack) -> None:
        self._kind, self._url, self._portal, self._stack = kind, url, portal, stack
        self.tokens: list[str] = []

    def __call__(self, user: User, *scopes: Scope, at: str = "", **options: Any) -> Any:
        self.tokens.append(ApiToken.create_for(user, scopes=scopes or Scope))
        client = self._kind(at or self._url, self.tokens[-1], **options)
        found = Blocking(client, self._portal) if isinstance(client, AsyncClient) else client
        self._stack.callback(found.close)
        return found


@pytest.fixture(params=[Client, AsyncClient])
def open_client(request: pytest.FixtureRequest, running_web: Web) -> Iterator[Open]:
    """Each test runs with both kinds of clients."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        yield Open(request.param, running_web.url, portal, stack)


@pytest.fixture
def network(running_web: Web) -> Iterator[Relay]:
    with relay(running_web) as found:
        yield found


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for calls that wait meanwhile."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def owner(running_web: Web, carol: User, bob: User, finance: Group) -> Iterator[Client]:
    """Carol's program with a new token, which may own runs and ask finance, where bob is."""
    allow(carol, finance)
    allow_runs(carol, finance)
    with Client(running_web.url, ApiToken.create_for(carol)) as client:
        yield client


@pytest.fixture
def site(owner: Client, running_worker: Worker) -> Client:
    """Carol's program, at a site with a worker."""
    return owner


def request_asked(prompt: str = "") -> HumanRequest:
    """The request that a worker has opened, or opens soon."""
    found = wait_until(
        lambda: HumanRequest.objects.filter(prompt__contains=prompt).first(),
        PATIENCE,
        what="the question",
    )
    assert found
    return found


@pytest.fixture
def asker(running_web: Web, carol: User, bob: User, finance: Group) -> User:
    """Carol's programs may ask finance, where bob is."""
    allow(carol, finance)
    return carol
