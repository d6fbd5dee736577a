"""Subject lines of mails, which are also the titles of notifications in browsers.

A title may be shown on a locked screen. So no title contains a question, or a message that a person
has written. The title of an alert contains the start of the alert's text.
"""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import HumanRequest, Message
from chat.models.notification import FIRST_CHANGE_ROUND
from dashboard.channels.plain_text import plain, shortened
from dashboard.overview.names import level_name
from procedures.users import User

LONGEST_SUBJECT = 78
"""The maximum number of characters of a subject line. Mail programs show little more."""


def subject_about(request: HumanRequest, *, reminder: int = 0) -> str:
    """Return the subject line of a mail about a request, with the name of the run that asks.

    The question isn't in the subject line, because it may be too private for a locked screen.
    """
    words = _("Please answer: {title}")
    if reminder >= FIRST_CHANGE_ROUND:
        words = _("Values changed, please answer: {title}")
    elif reminder:
        words = _("Reminder, please answer: {title}")
    elif request.escalated:
        words = _("Escalated, please answer: {title}")
    room = LONGEST_SUBJECT - len(words.format(title=""))
    return words.format(title=shortened(request.wait.run.heading, room))


def subject_about_end(request: HumanRequest, *, to: User) -> str:
    """Return the title that a notification gets once its request no longer waits for `to`."""
    status, name = request.status, plain(request.closed_by)
    words = _("No longer needed: {title}")
    if request.is_open:
        words = _("No longer waiting for you: {title}")
    elif status == HumanRequest.Status.EXPIRED:
        words = _("Nobody answered in time: {title}")
    elif status == HumanRequest.Status.ANSWERED and name == to.get_username():
        words = _("You have answered: {title}")
    elif status == HumanRequest.Status.ANSWERED:
        words = _("Answered by {name}: {title}")
    return shortened(
        words.format(name=name, title=plain(request.wait.run.heading)), LONGEST_SUBJECT
    )


def subject_about_several(count: int) -> str:
    words = ngettext(
        "%(count)d request is waiting for your answer",
        "%(count)d requests are waiting for your answer",
        count,
    )
    return words % {"count": count}


def subject_about_alert(alert: Message) -> str:
    assert alert.run
    title, level = plain(alert.run.heading), level_name(alert.level)
    words = _("{level} in {title}: {text}")
    return shortened(
        words.format(level=level, title=title, text=plain(alert.text)), LONGEST_SUBJECT
    )


def subject_about_mention(message: Message) -> str:
    """Return the subject line of a mail about a mention, with the name of the message's author.

    The message isn't in the subject line, because it may be too private for a locked screen.
    """
    words = _("{name} mentioned you in the chat")
    return shortened(words.format(name=plain(author_of(message))), LONGEST_SUBJECT)


def author_of(message: Message) -> str:
    return message.author.get_username() if message.author else _("The system")
