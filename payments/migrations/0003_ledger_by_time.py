from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0002_ledger_and_refunds_by_seat"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["at"], name="ledger_by_time"),
        ),
    ]
