"""A channel of a site's own: pagers, which a server reaches by number, and which can answer."""

import hmac
import json
import os
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from uuid import UUID

from django.db.models import QuerySet
from django.template import Context, Engine

from chat.channels import Answer, Channel, Inbound, UndeliverableError, UnknownSenderError
from chat.models import Notification
from procedures.engine.errors import AnswerError
from procedures.users import User, find_active_user, name_field

templates = Engine(dirs=[str(Path(__file__).with_name("templates"))])
PAGER = "tests.pager.Pager"
SECRET = b"pagers"
GONE = 410


def numbers() -> dict[str, str]:
    """The numbers of people's pagers, by their names."""
    found: dict[str, str] = json.loads(os.environ.get("PAGERS", "{}"))
    return found


def signature(body: bytes) -> str:
    return hmac.digest(SECRET, body, "sha256").hex()


class Pager(Channel):
    """Pagers with a line of text and keys: they show no form."""

    name = "pager"
    phrase = "by pager"
    controls = frozenset({"buttons"})
    bundles = True

    def is_on(self) -> bool:
        return "PAGER_URL" in os.environ

    def reachable(self, people: QuerySet[User]) -> QuerySet[User]:
        return people.filter(**{f"{name_field()}__in": list(numbers())})

    def deliver(self, notification: Notification) -> None:
        asked = [one.request for one in notification.bundled() if one.request]
        about = Context({"requests": asked, "alert": notification.alert})
        page = {
            "key": notification.key,
            "number": numbers()[notification.recipient.get_username()],
            "text": templates.get_template("pager/page.txt").render(about).strip(),
        }
        try:
            urllib.request.urlopen(os.environ["PAGER_URL"], json.dumps(page).encode())  # noqa: S310
        except HTTPError as error:
            if error.code == GONE:
                raise UndeliverableError(f"{page['number']} is no pager any more.") from None
            raise

    def authenticate(self, inbound: Inbound) -> User:
        if not hmac.compare_digest(inbound.headers.get("X-Pager", ""), signature(inbound.content)):
            raise UnknownSenderError
        number = self._read(inbound).get("number")
        names = (name for name, one in numbers().items() if one == number)
        if user := find_active_user(next(names, "")):
            return user
        raise UnknownSenderError

    def parse(self, inbound: Inbound) -> Answer:
        page = self._read(inbound)
        if "request" not in page:
            raise AnswerError("Say which request you answer.")
        return Answer(words=page["words"], request_id=UUID(page["request"]))

    def _read(self, inbound: Inbound) -> dict[str, Any]:
        page: dict[str, Any] = json.loads(inbound.content)
        return page


class Silent(Channel):
    """A channel by which nothing can be sent or answered."""

    name = "silent"


class Deaf(Pager):
    """A channel with the name of another one."""


class Unread(Channel):
    """A channel that takes messages and does not read them."""

    name = "unread"

    def deliver(self, notification: Notification) -> None:
        """Nothing is to be sent."""

    def authenticate(self, inbound: Inbound) -> User:
        raise UnknownSenderError
