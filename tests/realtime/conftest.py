"""Fixtures of the live map. (Loaded before Django has its settings: imports stand inside.)"""

import pytest


@pytest.fixture
def quick(monkeypatch):
    """The same rules with a shorter breath."""
    from realtime import hub, viewer, watch

    monkeypatch.setattr(hub, "SWEEP", 0.02)
    monkeypatch.setattr(watch, "TICK", 0.01)
    monkeypatch.setattr(watch, "PATIENCE", 0.03)
    monkeypatch.setattr(viewer, "SYNC_EVERY", 0.05)
