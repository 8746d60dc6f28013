"""Connections that wait for their client end at their deadline, or before it when there are too many of them."""

import asyncio

import pytest

from realtime.fast_path import unfinished
from realtime.fast_path.unfinished import UnfinishedConnections
from tests.realtime.live.chaos import eventually


@pytest.fixture
def ended(monkeypatch):
    monkeypatch.setattr(unfinished, "ROUND", 0.01)
    return []


async def test_each_ends_at_its_own_deadline_and_what_is_done_never(ended):
    connections = UnfinishedConnections()
    connections.begin("slow", 60, lambda: ended.append("slow"))
    connections.begin("late", 0.05, lambda: ended.append("late"))
    connections.begin("quick", 0.05, lambda: ended.append("quick"))
    connections.done("quick")
    assert await eventually(lambda: ended == ["late"])
    await asyncio.sleep(0.05)
    assert ended == ["late"] and len(connections) == 1


async def test_a_new_beginning_replaces_the_deadline(ended):
    connections = UnfinishedConnections()
    for _ in range(8):
        connections.begin("one", 0.08, lambda: ended.append("one"))
        await asyncio.sleep(0.02)
    assert ended == []
    assert await eventually(lambda: ended == ["one"]) and len(connections) == 0


async def test_the_oldest_ends_when_there_are_too_many_but_not_in_a_burst(ended, monkeypatch):
    connections = UnfinishedConnections(most=3)
    for number in range(5):
        connections.begin(number, 60, lambda number=number: ended.append(number))
    assert ended == [] and len(connections) == 5
    monkeypatch.setattr(unfinished, "GRACE", -1.0)
    connections.begin(5, 60, lambda: ended.append(5))
    assert ended == [0] and len(connections) == 5


async def test_the_oldest_that_holds_bytes_ends_when_all_hold_too_much(ended, monkeypatch):
    monkeypatch.setattr(unfinished, "MOST_BYTES", 100)
    connections = UnfinishedConnections()
    for name in ("empty", "first", "second"):
        connections.begin(name, 60, lambda name=name: ended.append(name))
    connections.grow("first", 60)
    connections.grow("second", 40)
    assert ended == []
    connections.grow("second", 30)
    assert ended == ["first"]
    connections.grow("second", 30)
    connections.grow("gone", 1000)
    assert ended == ["first"]
    connections.done("second")
    connections.begin("third", 60, lambda: ended.append("third"))
    connections.grow("third", 100)
    assert ended == ["first"]


async def test_the_timer_stops_when_nobody_owes_anything(ended):
    connections = UnfinishedConnections()
    connections.begin("one", 60, lambda: ended.append("one"))
    connections.done("one")
    assert await eventually(lambda: connections._timer is None)
