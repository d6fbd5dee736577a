"""Sessions in which people talk to each other, without a run."""

from django.contrib.auth.models import User

from chat.models import Member, Message, Searchable, Session
from procedures.models.clock import clock


def begin_talk(*people: User, title: str = "Talk") -> Session:
    """Open a session whose members are these people."""
    session = Session.new(title, at=clock.now())
    session.save(force_insert=True)
    for person in people:
        Member.join(session, person, at=clock.now())
    return session


def said_long_ago(session: Session, by: User, count: int) -> list[Message]:
    """Fill the session with messages that can be found; only the first one has a needle in it."""
    session.refresh_from_db()
    first, now = session.last_seq + 1, clock.now()
    new = [
        Message(session=session, seq=first + n, kind="person", author=by, at=now, text=f"No {n}.")
        for n in range(count)
    ]
    new[0].text += " A needle."
    made = Message.objects.bulk_create(new)
    Searchable.objects.bulk_create(Searchable.of_message(one) for one in made)
    session.last_seq += count
    session.save(update_fields=["last_seq"])
    return made
