"""Fixtures of the live map. (Loaded before Django has its settings: imports stand inside.)"""

import pytest


@pytest.fixture
def quick(monkeypatch):
    """The same rules with a shorter breath."""
    from realtime.live import hub, viewer, watched_showtime

    monkeypatch.setattr(hub, "SWEEP", 0.02)
    monkeypatch.setattr(watched_showtime, "TICK", 0.01)
    monkeypatch.setattr(watched_showtime, "PATIENCE", 0.03)
    monkeypatch.setattr(viewer, "SYNC_EVERY", 0.05)
