"""Statements and round trips to the database, from the queries that Django has captured."""

# What begins and ends a transaction; the last one waits until the commit is on the disk.
TRANSACTION_CONTROL = (
    "BEGIN",
    "COMMIT",
    "SAVEPOINT",
    "RELEASE SAVEPOINT",
    "ROLLBACK",
    "SET LOCAL synchronous_commit",
    "EXECUTE settle",
)


def trips_in(captured):
    """The text of each round trip that does more than begin or end a transaction; one may hold several statements."""
    texts = [query["sql"].strip() for query in captured]
    return [text for text in texts if not text.startswith(TRANSACTION_CONTROL) or "EXECUTE" in text]


def statements_in(trips):
    """The statements in these trips, without those that begin or end a transaction."""
    return [text for trip in trips for text in trip.split("; ") if not text.startswith(TRANSACTION_CONTROL)]
