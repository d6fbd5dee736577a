"""The ways in which people answer: on a page, in the chat, over the API, by the link in a mail."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from chat.models import HumanRequest
from procedures.conf import conf
from tests.calls import JSON, caller
from tests.kind_pages import paper
from tests.pages import HTMX, browser, shown
from tests.towers import MINUTE, pass_time

PASSWORD = "correct horse"
PAPER = object()
"""Stands for an uploaded file, or for its token."""
TAKEN = 302
"""The status of a form that was taken, without scripts."""
NOTICE = re.compile(r'<p class="notice[^"]*" role="(?:alert|status)"[^>]*>(.+?)</p>')
TOLD = re.compile(r'<p class="composer__feedback[^"]*"[^>]*>(.+?)</p>')
TAG = re.compile("<[^>]+>")


@dataclass(frozen=True)
class Sent:
    """One answer, as each of the ways sends it."""

    fields: dict[str, Any]
    value: Any
    words: str = ""
    """The words of a message, or "" if no words answer such a request."""


@dataclass(frozen=True)
class Told:
    """The result of an answer, and the text that its sender reads then."""

    is_taken: bool
    words: str


class Way:
    """One way, for one person."""

    name: ClassVar[str]
    undoes: ClassVar[bool] = True
    """True if an answer by this way is held, so that it can be undone."""

    def __init__(self, user: User) -> None:
        self.user = user

    def read(self, request: HumanRequest) -> str:
        """Return what the person reads who is asked."""
        raise NotImplementedError

    def answer(self, request: HumanRequest, sent: Sent) -> Told:
        raise NotImplementedError

    def confirm(self, request: HumanRequest, sent: Sent) -> Told:
        """Answer what can't be undone, as the person does who was just warned."""
        raise NotImplementedError

    def ask_back(self, request: HumanRequest, text: str) -> Told:
        raise NotImplementedError

    def undo(self, request: HumanRequest) -> Told:
        raise NotImplementedError


class ByPage(Way):
    """The card in the inbox."""

    name = "page"

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.client = browser(user)
        self.armed = ""
        """The token in the form that confirms the last answer."""

    def read(self, request: HumanRequest) -> str:
        return text_of(self.client.get(f"/inbox/requests/{request.pk}"))

    def answer(self, request: HumanRequest, sent: Sent) -> Told:
        return self._post(request, "response", filled(sent.fields, paper))

    def confirm(self, request: HumanRequest, sent: Sent) -> Told:
        fields = {**filled(sent.fields, paper), "confirms": self.armed}
        return self._post(request, "response", fields)

    def ask_back(self, request: HumanRequest, text: str) -> Told:
        form = shown(self.client.get(f"/requests/{request.pk}/form"))
        assert 'name="ask_back"' in form
        return self._post(request, "response", {"ask_back": "true", "ask_back_text": text})

    def undo(self, request: HumanRequest) -> Told:
        assert ">Undo</button>" in shown(self.client.get(f"/requests/{request.pk}/undo"))
        return self._post(request, "undo", {})

    def _post(self, request: HumanRequest, what: str, fields: dict[str, Any]) -> Told:
        sent = self.client.post(f"/requests/{request.pk}/{what}", fields, headers=HTMX)
        return self._told(sent)

    def _told(self, sent: Any) -> Told:
        form = sent.context["typed_form"] if sent.context and "typed_form" in sent.context else None
        self.armed = form.armed.token if form and form.armed else ""
        return Told(sent.status_code == 200, notice(sent))


class ByChat(ByPage):
    """A message in the session, or the card in its transcript where words don't answer."""

    name = "chat"

    def read(self, request: HumanRequest) -> str:
        return text_of(self.client.get(f"/chat/{request.session_id}"))

    def answer(self, request: HumanRequest, sent: Sent) -> Told:
        return self.say(request, sent.words) if sent.words else super().answer(request, sent)

    def say(self, request: HumanRequest, words: str) -> Told:
        """Send the words, and once more if the page has shown what they would mean."""
        sent = self._say(request, words)
        if sent.context.get("echo"):
            sent = self._say(request, words, confirms=sent.context["echo"].token)
        return Told(request.responses.filter(undone_at=None).exists(), notice(sent, TOLD))

    def confirm(self, request: HumanRequest, sent: Sent) -> Told:
        """Press the button of the card, twice: messages can't be confirmed."""
        super().answer(request, sent)
        return super().confirm(request, sent)

    def _say(self, request: HumanRequest, words: str, **more: str) -> Any:
        fields = {"text": words, "client_key": "", "request": request.pk, **more}
        return self.client.post(f"/chat/{request.session_id}/messages", fields, headers=HTMX)


class ByApi(Way):
    """A program with a token of the person's."""

    name = "API"
    undoes = False

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.client = caller(user)

    def read(self, request: HumanRequest) -> str:
        return str(self.client.get(f"/api/requests/{request.pk}").json())

    def answer(self, request: HumanRequest, sent: Sent) -> Told:
        return self._post(request, "response", self._body(request, sent))

    def confirm(self, request: HumanRequest, sent: Sent) -> Told:
        return self._post(request, "response", {**self._body(request, sent), "confirm": True})

    def ask_back(self, request: HumanRequest, text: str) -> Told:
        assert self.client.get(f"/api/requests/{request.pk}").json()["ask_back"]
        return self._post(request, "ask-back", {"text": text})

    def undo(self, request: HumanRequest) -> Told:
        return _told_in_json(self.client.delete(f"/api/requests/{request.pk}/response"))

    def _body(self, request: HumanRequest, sent: Sent) -> dict[str, Any]:
        return {"value": filled(sent.value, lambda: self._token(request))}

    def _token(self, request: HumanRequest) -> str:
        sent = self.client.post(f"/api/requests/{request.pk}/files", {"file": paper()})
        assert sent.status_code == 201, sent.content
        return str(sent.json()["token"])

    def _post(self, request: HumanRequest, what: str, body: dict[str, Any]) -> Told:
        return _told_in_json(self.client.post(f"/api/requests/{request.pk}/{what}", body, JSON))


class ByMail(ByPage):
    """The page to which a mail links, without scripts, after signing in there."""

    name = "mail link"

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.client = Client(enforce_csrf_checks=True)
        self.link = self.token = ""

    def read(self, request: HumanRequest) -> str:
        """Wait for the mail, open its link, and sign in where it leads."""
        letter = mail_about(request)
        assert letter.to == [self.user.email]
        assert request.prompt in letter.body
        self.link = f"/requests/{request.pk}"
        door = self.client.get(self.link)
        if door.status_code == TAKEN:
            self._sign_in(str(door.headers["Location"]))
            door = self.client.get(self.link)
        self.token = hidden(shown(door), "csrfmiddlewaretoken")
        return text_of(door)

    def _sign_in(self, address: str) -> None:
        form = shown(self.client.get(address))
        fields = {"username": self.user.username, "password": PASSWORD, "next": self.link}
        fields["csrfmiddlewaretoken"] = hidden(form, "csrfmiddlewaretoken")
        sent = self.client.post(address, fields)
        assert sent.headers["Location"] == self.link, sent.content

    def _post(self, request: HumanRequest, what: str, fields: dict[str, Any]) -> Told:
        more = {"csrfmiddlewaretoken": self.token}
        sent = self.client.post(f"/requests/{request.pk}/{what}", {**fields, **more})
        return self._told(sent) if sent.status_code != TAKEN else Told(is_taken=True, words="")


WAYS: dict[str, type[Way]] = {one.name: one for one in (ByPage, ByChat, ByApi, ByMail)}


def mail_about(request: HumanRequest) -> Any:
    """Let time pass until somebody is mailed about the request: who had a page open is last."""
    for _ in range(4):
        link = f"{conf.SITE_URL}/requests/{request.pk}"
        if found := [one for one in mail.outbox if link in one.body]:
            return found[-1]
        pass_time(MINUTE)
    raise AssertionError(f"Nobody was mailed about {request}.")


def filled(sent: Any, made: Any) -> Any:
    """Return what is sent, with each file in its place."""
    if sent is PAPER:
        return made()
    if isinstance(sent, dict):
        return {name: filled(one, made) for name, one in sent.items()}
    return [filled(one, made) for one in sent] if isinstance(sent, list) else sent


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found, page
    return found[1]


def text_of(response: Any) -> str:
    return plain(shown(response))


def notice(response: Any, of: re.Pattern[str] = NOTICE) -> str:
    """Return what a page tells its reader about what they have just done."""
    found = of.search(shown(response))
    return plain(found[1]) if found else ""


def plain(html: str) -> str:
    return " ".join(unescape(TAG.sub("", html)).split())


def _told_in_json(sent: Any) -> Told:
    feedback = sent.json()
    return Told(sent.status_code in {200, 201}, str(feedback.get("detail", "")))
