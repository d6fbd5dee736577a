"""The feed: for each session and audience, the newest message that the audience may read.

An audience is everybody who reads messages for the same reason, written as a text like "group:3":

- "all" for superusers, "runs" for those who may operate every run;
- "procedure:ID" for those who see the runs of a procedure;
- "user:ID" for a user who started a run;
- "asked:ID" for a user who is asked by name, and their deputies;
- "group:ID" and "perm:NAME" for the members or holders who are asked, and their deputies;
- "member:ID" for a member of the session, unless its members are a crowd;
- "writer:ID" for a user who has written there: their own messages and the replies to them.

Lists of sessions are read from here by key, however many sessions and messages there are. An entry
grants no access: each message is checked by `visible_messages` before it is shown.

In a private session, only members have entries under these names. Those of all other audiences are
stored with "private:" before the name, so that no list finds them, and a session that becomes
public needs no search through its messages.

The members of a session are a crowd if there are more than `MOST_FED`. They have no entries of
their own, but read the session's entry "all" or "private:all". Therefore a message costs the same,
however many members there are.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import models

from procedures.models import Run
from procedures.store.rows import adapted

if TYPE_CHECKING:
    from chat.models.message import Message

ALL, OF_RUNS = "all", "runs"
"""The audience that reads everything, and the audience that reads all runs."""
LONGEST = 228
HIDDEN = "private:"
"""The prefix of all audiences but members in a private session; no list asks for these names."""
MOST_FED = 5
"""The maximum number of members who have an entry each; a session with more has a crowd."""


def audience(kind: str, key: Any) -> str:
    """Return the text that stands for an audience; the SQL statements build the same text."""
    return f"{kind}:{adapted(key)}"


def audiences_of_run(run: Run) -> Iterator[str]:
    """Yield the audiences that may see a run, except the audiences that it asks."""
    yield OF_RUNS
    yield audience("procedure", run.procedure_id)
    if run.started_by_id is not None:
        yield audience("user", run.started_by_id)


def audiences_of_message(message: "Message") -> set[str]:
    """Return the audiences of a message, except members and the people whom its run asks."""
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
    """An audience that a run has asked, and that may therefore read all messages of the run."""

    pk = models.CompositePrimaryKey("run", "audience")
    run = models.ForeignKey(Run, models.CASCADE, db_index=False, related_name="+")
    audience = models.CharField(max_length=LONGEST)

    def __str__(self) -> str:
        return f"{self.run_id} {self.audience}"
