from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0007_alerts_and_forms")]

    operations = [
        migrations.AddField(
            "humanrequest",
            "closed_why",
            models.TextField(blank=True, help_text="Why it is not asked any more."),
        ),
    ]
