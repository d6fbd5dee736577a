import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

LOCKED = "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE"
TAKEN = (
    "INSERT INTO procedures_head (run_id, epoch, claims, seq, hash)"
    " SELECT id, CASE WHEN status = 'running' THEN epoch ELSE 0 END, claims, head_seq, head_hash"
    " FROM procedures_run"
)
GIVEN_BACK = (
    "UPDATE procedures_run SET head_seq = head.seq, head_hash = head.hash, claims = head.claims"
    " FROM procedures_head head WHERE head.run_id = procedures_run.id"
)


def take(_: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    _wait_for_workers(editor, "procedures_run")
    editor.execute(TAKEN)


def give_back(_: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    _wait_for_workers(editor, "procedures_head")
    editor.execute(GIVEN_BACK)


def _wait_for_workers(editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """What one commits after the heads were read would be kept without its head."""
    if editor.connection.vendor == "postgresql":
        editor.execute(LOCKED.format(table))


class Migration(migrations.Migration):
    dependencies = [("procedures", "0013_plain_ids")]

    operations = [
        migrations.CreateModel(
            name="Head",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="head",
                        serialize=False,
                        to="procedures.run",
                    ),
                ),
                (
                    "epoch",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="The run's, which fences off others; 0 while nobody holds it.",
                    ),
                ),
                (
                    "claims",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="In a row without progress."
                    ),
                ),
                ("seq", models.PositiveBigIntegerField()),
                ("hash", models.CharField(max_length=64)),
            ],
        ),
        migrations.RunPython(take, give_back),
        migrations.RemoveField(model_name="run", name="claims"),
        migrations.RemoveField(model_name="run", name="head_hash"),
        migrations.RemoveField(model_name="run", name="head_seq"),
    ]
