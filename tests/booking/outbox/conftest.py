"""Models are imported when a fixture runs: this file is read before Django has its settings."""

import pytest


@pytest.fixture
def handled(monkeypatch):
    """The numbers of the notes that were handled."""
    from tests.booking.outbox.notes import collect_notes

    return collect_notes(monkeypatch)


@pytest.fixture
def dead_letters(monkeypatch):
    """The keys of the dead letters, as a callback receives them."""
    from booking.outbox import messages

    keys = []
    monkeypatch.setattr(messages, "_on_dead_letter", [lambda message, at: keys.append(message.dedupe_key)])
    return keys
