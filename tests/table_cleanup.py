"""Empties the database after a test that commits, several times faster than Django's `flush`.

`flush` empties every table and creates content types and permissions again, after each of a thousand tests. Here only
tables that have rows are emptied, and rows that only migrations write are kept.
"""

from django.db import connections, transaction
from django.test import TransactionTestCase

KEPT = {"django_migrations", "django_content_type", "auth_permission", "django_site"}


def install():
    TransactionTestCase._fixture_teardown = _teardown


def _teardown(self):
    for alias in self._databases_names(include_mirrors=False):
        empty_tables(connections[alias])


def empty_tables(connection):
    names = connection.introspection.django_table_names(only_existing=False, include_views=False)
    tables = {name: connection.ops.quote_name(name) for name in names if name not in KEPT}
    filled = " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quoted})" for name, quoted in tables.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(filled)
        found = [tables[name] for (name,) in cursor.fetchall()]
        with connection.constraint_checks_disabled(), transaction.atomic(using=connection.alias):
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")  # no checks of foreign keys
            for table in found:
                cursor.execute(f"DELETE FROM {table}")
