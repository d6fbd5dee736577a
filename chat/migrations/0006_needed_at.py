from django.db import migrations
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Least


def fill(apps, editor):
    """Fill in by when an answer is needed, and its rank, for requests that were asked before."""
    alias = editor.connection.alias
    request, wait, assignment = (
        apps.get_model(app, name).objects.using(alias)
        for app, name in (
            ("countersign_chat", "HumanRequest"),
            ("countersign_procedures", "Wait"),
            ("countersign_chat", "Assignment"),
        )
    )
    of_wait = Subquery(wait.filter(pk=OuterRef("wait_id")).values("due_at")[:1])
    # The least of a time and nothing is nothing on SQLite.
    ends = Least(Coalesce("due_at", of_wait), Coalesce(of_wait, "due_at"))
    ranks = Case(When(risk="high", then=Value(0)), When(risk="low", then=Value(2)), default=Value(1))
    may_wait = Q(status="open") | Q(effective_at__isnull=False)
    request.filter(may_wait, needed_at=None).update(needed_at=ends, rank=ranks)
    mine = request.filter(pk=OuterRef("request_id"))
    asked = Q(request__status="open") | Q(request__effective_at__isnull=False)
    assignment.filter(asked).update(
        due_at=Subquery(mine.values("needed_at")[:1]), rank=Subquery(mine.values("rank")[:1])
    )


class Migration(migrations.Migration):

    dependencies = [
        ('countersign_chat', '0005_programs_and_webhooks'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
