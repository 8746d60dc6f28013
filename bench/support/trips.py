"""What was said to the database, as Django captures it: a trip for each time that an answer was waited for."""

# How a transaction begins and ends; it is over when the disk has it.
ENDS = (
    "BEGIN",
    "COMMIT",
    "SAVEPOINT",
    "RELEASE SAVEPOINT",
    "ROLLBACK",
    "SET LOCAL synchronous_commit",
    "EXECUTE settle",
)


def trips_in(captured):
    texts = [query["sql"].strip() for query in captured]
    return [text for text in texts if not text.startswith(ENDS) or "EXECUTE" in text]


def statements_in(trips):
    """Without what only begins and ends a transaction."""
    return [text for trip in trips for text in trip.split("; ") if not text.startswith(ENDS)]
