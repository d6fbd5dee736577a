"""Sessions in which people talk to each other, without a run."""

from django.contrib.auth.models import User

from chat.models import Member, Session
from procedures.models.clock import clock


def begin_talk(*people: User, title: str = "Talk") -> Session:
    """Open a session whose members are these people."""
    session = Session.new(title, at=clock.now())
    session.save(force_insert=True)
    for person in people:
        Member.join(session, person, at=clock.now())
    return session
