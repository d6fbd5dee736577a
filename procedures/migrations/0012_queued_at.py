from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0011_events_unchecked")]

    operations = [
        migrations.RemoveIndex(model_name="run", name="queued_runs"),
        migrations.RenameField(model_name="run", old_name="ring_at", new_name="queued_at"),
        migrations.AlterField(
            model_name="run",
            name="queued_at",
            field=models.DateTimeField(help_text="Since when it is queued.", null=True),
        ),
        # It was a time to come; what has waited for long goes first.
        migrations.RunSQL(
            "UPDATE procedures_run SET queued_at = created_at WHERE status = 'queued'",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveField(model_name="run", name="rings"),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("status", "queued")),
                fields=["queued_at"],
                name="queued_runs",
            ),
        ),
    ]
