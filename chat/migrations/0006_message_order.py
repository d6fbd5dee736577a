"""A message's place in its transcript is the number of the change that brought it."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def number_messages(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    message_model = apps.get_model("chat", "Message")
    brought = apps.get_model("chat", "SessionEvent").objects.filter(kind="message")
    for event in brought.values("seq", "object").iterator():
        message_model.objects.filter(pk=event["object"]).update(seq=event["seq"])


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_operate_requests")]

    operations = [
        migrations.AddField("message", "seq", models.PositiveBigIntegerField(null=True)),
        migrations.RunPython(number_messages, migrations.RunPython.noop),
        migrations.AlterField(
            "message",
            "seq",
            models.PositiveBigIntegerField(
                help_text="The session's change that brought it: its place, in the order of commits."
            ),
        ),
        migrations.RemoveIndex("message", "transcript"),
        migrations.AddConstraint(
            "message",
            models.UniqueConstraint(fields=["session", "seq"], name="one_message_per_seq"),
        ),
        migrations.AlterModelOptions("message", {"ordering": ["session", "seq"]}),
    ]
