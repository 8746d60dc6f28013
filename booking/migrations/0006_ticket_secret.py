"""Tickets get a random secret. Those that are there have none: their codes go on sealing the primary key."""

from django.db import migrations, models

import booking.models

HELP = "What its code seals; none: issued by a release whose codes seal the primary key"


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0005_lease_beat"),
    ]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="secret",
            field=models.CharField(editable=False, help_text=HELP, max_length=16, null=True),
        ),
        migrations.AlterField(
            model_name="ticket",
            name="secret",
            field=models.CharField(
                default=booking.models.new_ticket_secret, editable=False, help_text=HELP, max_length=16, null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="ticket",
            constraint=models.UniqueConstraint(fields=["secret"], name="ticket_secret_unique"),
        ),
    ]
