"""Fixtures of the live map. Loaded before Django has its settings, so imports are inside."""

import pytest


@pytest.fixture
def quick(monkeypatch):
    """The same rules with shorter times."""
    from realtime.live import hub, viewer, watched_showtime

    monkeypatch.setattr(hub, "SWEEP_INTERVAL", 0.02)
    monkeypatch.setattr(watched_showtime, "TICK", 0.01)
    monkeypatch.setattr(watched_showtime, "GAP_TIMEOUT", 0.03)
    monkeypatch.setattr(viewer, "SYNC_INTERVAL", 0.05)
