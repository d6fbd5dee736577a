"""Pages as people see them: signed in, with and without JavaScript."""

from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import HumanRequest, Message, Session
from chat.models.session import record
from procedures.models.clock import clock
from tests.calls import grant, request_of, run_until_it_waits

HTMX = {"HX-Request": "true"}
Fields = dict[str, Any]


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(kind: str, *, by: User) -> HumanRequest:
    """A question of that kind: support starts, finance answers."""
    grant_to_both("one_of_each")
    return request_of(run_until_it_waits("one_of_each", by=by, kind=kind))


def ask_in(session: Session, kind: str, *, by: User) -> HumanRequest:
    """Another question in the same session."""
    request = ask(kind, by=by)
    HumanRequest.objects.filter(pk=request.pk).update(session=session)
    place = record(session.pk, "request", request.pk)
    Message.objects.filter(request=request).update(session=session, seq=place)
    return request


def lines(session: Session, count: int) -> list[Message]:
    """Messages in the session that only the transcript knows."""
    new = [
        Message(session=session, seq=1000 + number, kind="notice", at=clock.now(), text=text)
        for number, text in enumerate(f"Line {number}." for number in range(count))
    ]
    run = session.messages.exclude(run=None).values_list("run", flat=True)[0]
    for one in new:
        one.run_id = run
    return Message.objects.bulk_create(new)


def grant_to_both(name: str) -> None:
    for group, role in (("support", "start"), ("finance", "answer")):
        grant(name, Group.objects.get_or_create(name=group)[0], role)


def shown(response: HttpResponse | Any) -> str:
    """The text of a page, without the space between words that nobody sees."""
    return " ".join(response.content.decode().split())


def path_in(link: str) -> str:
    """Return the path of a link to the site of the tests."""
    return link.removeprefix("http://localhost:8000")


def filled(client: Client, path: str) -> Fields:
    """The fields of a browser that saves the page as it stands, as far as they may be written."""
    form = client.get(path).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {
        name: [getattr(one, "pk", one) for one in value] if isinstance(value, list) else value
        for name, value in values.items()
        if value not in (None, False) and name != "password"
    }


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in queries.captured_queries]


def writes(queries: list[str]) -> list[str]:
    return [sql for sql in queries if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
