from django.db import migrations

# Each change of a seat writes its showtime's row anew, many a second on a hot one. Where the next version finds room on
# the row's own page no index is written, and what came before is cleared away in passing.
ROOM = "ALTER TABLE cinema_showtime SET (fillfactor = 20)"
NO_ROOM = "ALTER TABLE cinema_showtime RESET (fillfactor)"


def leave_room(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(ROOM)


def leave_none(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NO_ROOM)


class Migration(migrations.Migration):
    dependencies = [("cinema", "0007_plain_version")]
    operations = [migrations.RunPython(leave_room, leave_none)]
