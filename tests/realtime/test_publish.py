"""A change is published wherever it is committed, and never when it is rolled back (I13)."""

import asyncio
import threading
from datetime import timedelta
from io import StringIO

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from bench.support.factories import make_showtime, new_visitor
from booking import locks
from booking.signals import seats_changed
from realtime import process
from realtime.change import Change
from realtime.live.source import closing_connections
from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import eventually
from tests.realtime.stage import in_thread, watching

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def showtime():
    return await in_thread(make_showtime)


def lock(showtime, label):
    locks.lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=[label], at=timezone.now())


async def test_from_a_thread_of_its_own(showtime, monkeypatch):
    async with watching(monkeypatch, showtime.pk) as (_, [watcher]):
        thread = threading.Thread(target=closing_connections, args=(lambda: lock(showtime, "A1"),))
        thread.start()
        assert await eventually(lambda: watcher.client.v == 1)
        await asyncio.to_thread(thread.join)


async def test_from_a_thread_with_an_event_loop_of_its_own(showtime, monkeypatch):
    async def elsewhere():
        await in_thread(lock, showtime, "A1")

    async with watching(monkeypatch, showtime.pk) as (_, [watcher]):
        await asyncio.to_thread(asyncio.run, elsewhere())
        assert await eventually(lambda: watcher.client.v == 1)


async def test_from_an_async_view_in_the_hubs_own_loop(showtime, monkeypatch):
    async with watching(monkeypatch, showtime.pk) as (_, [watcher]):
        await sync_to_async(closing_connections)(lambda: lock(showtime, "A1"))
        assert await eventually(lambda: watcher.client.v == 1)


async def test_from_a_management_command(showtime, monkeypatch):
    class Command(BaseCommand):
        def handle(self, *args, **options):
            lock(showtime, "A1")

    async with watching(monkeypatch, showtime.pk) as (_, [watcher]):
        await in_thread(call_command, Command(stdout=StringIO()), skip_checks=True)
        assert await eventually(lambda: watcher.client.v == 1)


async def test_only_after_the_outermost_transaction(showtime, monkeypatch):
    def nested():
        with transaction.atomic():
            with transaction.atomic():
                lock(showtime, "A1")
            barrier.wait()
            barrier.wait()

    barrier = threading.Barrier(2)
    async with watching(monkeypatch, showtime.pk) as (_, [watcher]):
        working = asyncio.create_task(in_thread(nested))
        await asyncio.to_thread(barrier.wait)
        await asyncio.sleep(0.2)
        assert watcher.client.v == 0
        await asyncio.to_thread(barrier.wait)
        await working
        assert await eventually(lambda: watcher.client.v == 1)


async def test_never_when_it_is_rolled_back_and_the_number_is_used_again(showtime, monkeypatch):
    def rolled_back():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            lock(showtime, "A1")
            raise ZeroDivisionError

    async with watching(monkeypatch, showtime.pk) as (_, [watcher]):
        await in_thread(rolled_back)
        await asyncio.sleep(0.1)
        assert watcher.client.v == 0
        await in_thread(lock, showtime, "A2")
        assert await eventually(lambda: watcher.client.v == 1)
        assert watcher.client.state[:3] == "ALA"


async def test_a_lost_publication_fails_no_booking_and_the_poll_finds_it(showtime, monkeypatch, caplog):
    class Broken(LocalTransport):
        def publish(self, change):
            raise RuntimeError("no")

    async with watching(monkeypatch, showtime.pk, transport=Broken(), poll=0.2) as (_, [watcher]):
        await in_thread(lock, showtime, "A1")
        assert await eventually(lambda: watcher.client.v == 1)
    assert "was not published" in caplog.text


def test_without_any_loop_publishing_returns_at_once(monkeypatch):
    monkeypatch.setattr(process, "_transport", LocalTransport())
    process.publish(showtime_id=1, epoch="e", before=0, version=1, seats={"L": [1]})


def test_publishing_into_a_closed_loop_raises_nothing():
    transport = LocalTransport()

    async def start():
        await transport.start(lambda change: None)

    asyncio.run(start())
    transport.publish(Change(1, "e", 0, 1, {"L": [1]}))


def test_the_signal_has_one_listener_in_this_package():
    assert [name for (name, _), *_ in seats_changed.receivers if name == "live map"] == ["live map"]


async def test_versions_without_gaps_under_threads_that_write_at_once(showtime, monkeypatch):
    def many(row):
        for number in range(1, 6):
            at = timezone.now() + timedelta(seconds=number)
            locks.lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=[f"{row}{number}"], at=at)

    async with watching(monkeypatch, showtime.pk) as (hub, [watcher]):
        await asyncio.gather(*(in_thread(many, row) for row in "ABCD"))
        assert await eventually(lambda: watcher.client.v == 20)
        assert watcher.client.state.count("L") == 20
        assert not watcher.client.send
