from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0008_alert_mails")]

    operations = [
        migrations.AddField(
            "humanrequest",
            "closed_why",
            models.TextField(blank=True, help_text="Why it is not asked any more."),
        ),
    ]
