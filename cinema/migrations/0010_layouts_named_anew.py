"""Plans get a stage, a focal point and the seats that they name for others, and each layout gets another name.

Browsers keep a layout for a year by its hash, and layouts have new keys. The new hash follows from the old one, as in
`cinema.plans.building.name_layout`, so a plan that is imported again is found. Nothing else refers to a hash: showtimes
have the plan's primary key, and open maps go on, because no seat and no index changes. Undone, the new names stay: the
earlier release takes any name.
"""

import hashlib
import json

from django.db import migrations, models


def rename(apps, schema_editor):
    plans = apps.get_model("cinema", "SeatingPlan").objects.using(schema_editor.connection.alias)
    for pk, old in plans.values_list("pk", "hash"):
        content = json.dumps([2, old, {}], sort_keys=True).encode()
        plans.filter(pk=pk).update(hash=hashlib.sha256(content).hexdigest()[:32])


class Migration(migrations.Migration):
    dependencies = [("cinema", "0009_seat_colour")]

    operations = [
        migrations.AddField(
            model_name="seatingplan",
            name="stage",
            field=models.CharField(
                choices=[("top", "Top"), ("bottom", "Bottom"), ("left", "Left"), ("right", "Right")],
                default="top",
                help_text="The side of the drawing",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="seatingplan",
            name="focal_x",
            field=models.FloatField(help_text="In seat pitches; empty: two thirds of the way back", null=True),
        ),
        migrations.AddField(
            model_name="seatingplan",
            name="focal_y",
            field=models.FloatField(help_text="In seat pitches", null=True),
        ),
        migrations.AddField(
            model_name="seatingplan",
            name="links",
            field=models.JSONField(
                default=dict, help_text="Seats that the plan names for others, by index; all others are derived"
            ),
        ),
        migrations.AddConstraint(
            model_name="seatingplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("focal_x", None), ("focal_y", None))
                | models.Q(("focal_x__isnull", False), ("focal_y__isnull", False)),
                name="focal_point_has_both_coordinates",
            ),
        ),
        migrations.AddConstraint(
            model_name="seatingplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("stage__in", ["top", "bottom", "left", "right"])), name="stage_is_a_side"
            ),
        ),
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
