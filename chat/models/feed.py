"""The feed: for each session and audience, the newest message that the audience may read.

An audience is all people who may read messages for the same reason. Its name is a text such as
"group:3":

- "all" for superusers, "runs" for people who may operate every run;
- "procedure:ID" for people who may see the runs of a procedure;
- "user:ID" for a user who started a run;
- "asked:ID" for a user whom a request asks by name, and the user's deputies;
- "group:ID" for the members of a group that a request asks, and the members' deputies;
- "perm:NAME" for the holders of a permission that a request asks, and the holders' deputies;
- "member:ID" for a member of the session, unless the session's members are a crowd (see below);
- "writer:ID" for a user who has written in the session: for the user's own messages and the replies
  to them.

The list of a user's sessions is read from the feed by key, so that the list takes the same time
however many sessions and messages there are. A feed entry grants no access: each message is checked
with the rule of `visible_messages` before it is shown.

In a private session, only members have entries under the names listed above. The entries of all
other audiences have names that begin with "private:". No list asks for those names. When the
session becomes public, only the names must change, and no messages need to be read.

The members of a session are a crowd if there are more than `MOST_FED` of them. Members of a crowd
have no entries of their own, but read the session's entry "all" or "private:all". So sending a
message costs the same however many members the session has.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import models

from procedures.models import Run
from procedures.store.rows import adapted

if TYPE_CHECKING:
    from chat.models.message import Message

ALL, OF_RUNS = "all", "runs"
"""The audience that may read all public sessions, and the audience that may see all runs."""
LONGEST = 228
HIDDEN = "private:"
"""The prefix of the names of all audiences except members in a private session.

No list asks for names with this prefix.
"""
MOST_FED = 5
"""The maximum number of members who have a feed entry each; if there are more, they are a crowd."""


def audience(kind: str, key: Any) -> str:
    """Return the name of an audience, such as "group:3"; the SQL statements build the same text."""
    return f"{kind}:{adapted(key)}"


def audiences_of_run(run: Run) -> Iterator[str]:
    """Yield the audiences that may see a run even if no request of the run asks them."""
    yield OF_RUNS
    yield audience("procedure", run.procedure_id)
    if run.started_by_id is not None:
        yield audience("user", run.started_by_id)


def audiences_of_message(message: "Message") -> set[str]:
    """Return the audiences that may read a message, as far as the message itself tells.

    The session's members, and the audiences that requests of the message's run ask, are missing:
    the SQL statement that inserts the message adds them.
    """
    found, reply_to = {ALL}, message.reply_to
    for run in filter(None, (message.run, reply_to.run if reply_to else None)):
        found.update(audiences_of_run(run))
    if message.kind == message.Kind.PERSON:
        found.add(audience("writer", message.author_id))
    if reply_to and reply_to.author_id is not None:
        found.add(audience("writer", reply_to.author_id))
    return found


class FeedEntry(models.Model):
    """A session in an audience's feed, with the newest message that the audience may read."""

    pk = models.CompositePrimaryKey("session", "audience")
    session = models.ForeignKey(
        "countersign_chat.Session", models.CASCADE, db_index=False, related_name="+"
    )
    audience = models.CharField(max_length=LONGEST)
    newest = models.UUIDField(help_text="The id of the newest message the audience may read.")
    seq = models.PositiveBigIntegerField(
        help_text="The number of the newest message the audience may read."
    )

    class Meta:
        indexes = [
            models.Index(fields=["audience", "newest", "session", "seq"], name="countersign_feed")
        ]

    def __str__(self) -> str:
        return f"{self.audience} {self.newest}"


class RunAudience(models.Model):
    """An audience that a request of the run asks, or has asked.

    Such an audience may read all messages of the run.
    """

    pk = models.CompositePrimaryKey("run", "audience")
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="+")
    audience = models.CharField(max_length=LONGEST)

    def __str__(self) -> str:
        return f"{self.run_id} {self.audience}"
