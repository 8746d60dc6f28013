from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0004_fewer_indexes_and_checks"),
    ]

    operations = [
        migrations.AddField(
            model_name="lease",
            name="beat_at",
            field=models.DateTimeField(
                help_text="When a holder last finished a round of all periodic tasks", null=True
            ),
        ),
    ]
