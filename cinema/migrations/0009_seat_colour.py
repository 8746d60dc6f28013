"""`cloth` is called `seat_colour`. Only the model changes: the column keeps its name, and no SQL is run."""

from django.db import migrations, models

HELP = "Minor units of each seat's price that the operator keeps when a buyer cancels"


class Migration(migrations.Migration):
    dependencies = [("cinema", "0008_room_for_new_versions")]

    operations = [
        migrations.AlterField(
            model_name="seatcategory",
            name="cloth",
            field=models.CharField(
                db_column="cloth",
                default="ice",
                help_text="The nearest of the product's seat colours",
                max_length=12,
            ),
        ),
        migrations.RenameField(model_name="seatcategory", old_name="cloth", new_name="seat_colour"),
        migrations.AlterField(
            model_name="cinema",
            name="refund_fee",
            field=models.PositiveIntegerField(default=0, help_text=HELP),
        ),
    ]
