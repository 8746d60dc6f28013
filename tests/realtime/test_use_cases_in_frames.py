"""For every use case: the snapshot before and the frames are the snapshot after, and the digests agree (I6)."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from bench.support.factories import cancel_all_tickets, make_showtime, new_visitor
from booking import bookings, cancellation, locks
from booking.models import SeatChange
from booking.seats.map import read_map
from booking.showtimes import sales
from tests.realtime.live.chaos import eventually
from tests.realtime.live.reference_client import digest_of
from tests.realtime.stage import in_thread, watching
from tests.report import report

pytestmark = pytest.mark.django_db(transaction=True)


class Scene:
    """Alice and bob at one showtime; each step calls the use case as the product does."""

    def __init__(self):
        self.now = timezone.now()
        self.showtime = make_showtime(at=self.now)
        self.alice, self.bob = new_visitor(), new_visitor()
        self.later = self.now + timedelta(minutes=6)

    def lock(self, visitor, *labels, at=None):
        result = locks.lock_seats(showtime_id=self.showtime.pk, visitor=visitor, labels=labels, at=at or self.now)
        return result.booking

    def checkout(self, visitor):
        with transaction.atomic():
            return bookings.begin_checkout(
                showtime_id=self.showtime.pk,
                visitor=visitor,
                email="alice@example.com",
                payable_until=self.now + timedelta(minutes=41),
                at=self.now,
            )

    def alice_at_checkout(self):
        self.lock(self.alice, "A1", "A2")
        self.booking = self.checkout(self.alice)

    def alice_releasing(self, reason="cancelled"):
        self.alice_at_checkout()
        bookings.begin_release(booking_id=self.booking.pk, reason=reason, at=self.now)

    def alice_confirmed(self):
        self.alice_at_checkout()
        bookings.confirm_booking(booking_id=self.booking.pk, demo=True, at=self.now)

    def alice_ended_unpaid(self):
        self.alice_releasing()
        bookings.finish_release(booking_id=self.booking.pk, at=self.now)

    def cancel(self, *labels, reason="buyer"):
        with transaction.atomic():
            return cancellation.cancel_tickets(
                booking_id=self.booking.pk, labels=labels, amount=500, at=self.now, reason=reason
            )

    def confirm(self, at=None):
        return bookings.confirm_booking(booking_id=self.booking.pk, demo=True, at=at or self.now)


def step(name, before, act, after):
    return pytest.param(before, act, after, id=name.replace(" ", "_"))


# name, the steps before, the use case, the letters of A1 A2 A3 after it
STEPS = [
    step("lock", lambda s: None, lambda s: s.lock(s.alice, "A1", "A2"), "LLA"),
    step("lock of many rows at once", lambda s: None, lambda s: s.lock(s.alice, "A1", "B5", "C9", "D10"), "LAA"),
    step("other seats", lambda s: s.lock(s.alice, "A1", "A2"), lambda s: s.lock(s.alice, "A2", "A3"), "ALL"),
    step("the same seats", lambda s: s.lock(s.alice, "A1"), lambda s: s.lock(s.alice, "A1"), "LAA"),
    step("no seats", lambda s: s.lock(s.alice, "A1"), lambda s: s.lock(s.alice), "AAA"),
    step(
        "release",
        lambda s: s.lock(s.alice, "A1", "A2"),
        lambda s: locks.release_lock(showtime_id=s.showtime.pk, visitor=s.alice, at=s.now),
        "AAA",
    ),
    step("expire", lambda s: s.lock(s.alice, "A1"), lambda s: locks.expire_locks(at=s.later), "AAA"),
    step(
        "a lapsed lock taken by the next buyer",
        lambda s: s.lock(s.alice, "A1", "A2"),
        lambda s: s.lock(s.bob, "A2", "A3", at=s.later),
        None,
    ),
    step("checkout", lambda s: s.lock(s.alice, "A1"), lambda s: s.checkout(s.alice), "LAA"),
    step(
        "begin of a release",
        Scene.alice_at_checkout,
        lambda s: bookings.begin_release(booking_id=s.booking.pk, reason="cancelled", at=s.now),
        "LLA",
    ),
    step(
        "end of a release",
        Scene.alice_releasing,
        lambda s: bookings.finish_release(booking_id=s.booking.pk, at=s.now),
        "AAA",
    ),
    step(
        "end of a release for other seats",
        lambda s: s.alice_releasing("changed"),
        lambda s: bookings.finish_release(booking_id=s.booking.pk, at=s.now),
        "LLA",
    ),
    step(
        "processing",
        Scene.alice_at_checkout,
        lambda s: bookings.mark_processing(booking_id=s.booking.pk, at=s.now),
        "LLA",
    ),
    step("confirm", Scene.alice_at_checkout, lambda s: s.confirm(), "BBA"),
    step("confirm twice", Scene.alice_confirmed, lambda s: s.confirm(), "BBA"),
    step("late confirm", Scene.alice_ended_unpaid, lambda s: s.confirm(s.later), "BBA"),
    step(
        "refund",
        Scene.alice_confirmed,
        lambda s: (
            cancel_all_tickets(s.booking.pk, s.now),
            bookings.finish_refund(booking_id=s.booking.pk, at=s.now),
        ),
        "AAA",
    ),
    step("cancel one of two tickets", Scene.alice_confirmed, lambda s: s.cancel("A1"), "ABA"),
    step("cancel a ticket twice", Scene.alice_confirmed, lambda s: (s.cancel("A2"), s.cancel("A2")), "BAA"),
    step("cancel of a showtime", Scene.alice_confirmed, lambda s: s.cancel("A1", "A2", reason="showtime"), "AAA"),
    step(
        "a lock ended by a cancelled showtime",
        lambda s: setattr(s, "booking", s.lock(s.alice, "A1", "A2")),
        lambda s: cancellation.end_lock_of_cancelled_showtime(booking_id=s.booking.pk, at=s.now),
        "AAA",
    ),
    step(
        "payment that came too late",
        Scene.alice_at_checkout,
        lambda s: bookings.begin_refund(booking_id=s.booking.pk, amount=2300, at=s.now),
        "AAA",
    ),
    step(
        "block",
        lambda s: None,
        lambda s: sales.block_seats(showtime_id=s.showtime.pk, labels=["A1", "A3"], at=s.now),
        "XAX",
    ),
    step(
        "unblock",
        lambda s: sales.block_seats(showtime_id=s.showtime.pk, labels=["A1", "A3"], at=s.now),
        lambda s: sales.unblock_seats(showtime_id=s.showtime.pk, labels=["A1"], at=s.now),
        "AAX",
    ),
]


@pytest.mark.parametrize(("before", "act", "after"), STEPS)
async def test_snapshot_before_and_frames_are_the_snapshot_after(before, act, after, monkeypatch):
    scene = await in_thread(Scene)
    await in_thread(before, scene)
    async with watching(monkeypatch, scene.showtime.pk) as (_, [watcher]):
        first = await in_thread(read_map, scene.showtime.pk)
        assert watcher.client.state == first.state
        received = len(watcher.frames)
        await in_thread(act, scene)
        now = await in_thread(read_map, scene.showtime.pk)
        assert await eventually(lambda: watcher.client.v == now.version)
        assert (watcher.client.epoch, watcher.client.state) == (now.epoch, now.state)
        assert digest_of(watcher.client.state) == now.digest
        assert after is None or now.state[:3] == after
        assert (now.version > first.version) == (now.state != first.state), (
            "a new version exactly when a seat has changed"
        )
        deltas = watcher.frames[received:]
        assert {frame["type"] for frame in deltas} <= {"delta"} and not watcher.client.send
        assert seats_of(deltas) == await in_thread(seats_recorded, scene.showtime.pk, first.version)


def seats_of(deltas):
    return {seat for frame in deltas for seats in frame["seats"].values() for seat in seats}


def seats_recorded(showtime_id, since):
    return set(SeatChange.objects.filter(showtime=showtime_id, version__gt=since).values_list("index", flat=True))


async def test_all_use_cases_one_after_the_other_reach_every_viewer(monkeypatch):
    """All steps at one showtime, watched by three."""
    scene = await in_thread(Scene)
    async with watching(monkeypatch, scene.showtime.pk, n=3) as (_, watchers):
        for number, parameters in enumerate(STEPS):
            before, act, _ = parameters.values
            scene.alice, scene.bob = new_visitor(), new_visitor()
            scene.now += timedelta(seconds=number)
            await in_thread(before, scene)
            await in_thread(act, scene)
            await in_thread(free_all_seats, scene)
        now = await in_thread(read_map, scene.showtime.pk)
        assert now.version > len(STEPS)
        assert await eventually(lambda: all(watcher.client.v == now.version for watcher in watchers))
        assert {watcher.client.state for watcher in watchers} == {now.state}
        assert watchers[0].texts[2:] == watchers[1].texts[2:] == watchers[2].texts[2:], "the same bytes for all"
    report("use cases in frames", f"{len(STEPS)}, each: snapshot before + frames == snapshot after, digests equal")


def free_all_seats(scene):
    """Every seat free again, by the use cases."""
    at = scene.now + timedelta(days=1)
    for booking in scene.showtime.bookings.filter(status="confirmed"):
        cancel_all_tickets(booking.pk, scene.now)
    for booking in scene.showtime.bookings.filter(status__in=["checkout", "processing", "releasing"]):
        bookings.begin_release(booking_id=booking.pk, reason="cancelled", at=scene.now)
        bookings.finish_release(booking_id=booking.pk, at=scene.now)
    locks.expire_locks(at=at)
    blocked = scene.showtime.seats.filter(status="blocked").values_list("seat__label", flat=True)
    sales.unblock_seats(showtime_id=scene.showtime.pk, labels=list(blocked), at=scene.now)
    assert not scene.showtime.seats.exclude(status="available").exists()


WHITELIST = {
    "hello": {"type", "epoch", "v", "n", "layout", "node", "heartbeat", "spread"},
    "snapshot": {"type", "epoch", "v", "state", "digest"},
    "delta": {"type", "from", "v", "seats"},
    "heartbeat": {"type", "v", "digest", "age", "ok"},
    "bye": {"type", "code", "retry", "reason"},
}


async def test_no_frame_has_the_owner_or_the_end_of_a_lock(monkeypatch):
    scene = await in_thread(Scene)
    async with watching(monkeypatch, scene.showtime.pk) as (hub, [watcher]):
        await in_thread(scene.alice_confirmed)
        await in_thread(scene.lock, scene.bob, "B1")
        reference, total = scene.booking.reference, scene.booking.total
        await eventually(lambda: watcher.client.state.count("L") == 1)
        for viewer in hub.all_viewers():
            viewer.plan_heartbeat(0.0, within=0.001)
        await eventually(lambda: watcher.frames[-1]["type"] == "heartbeat")
        await hub.drain()
    for text, frame in zip(watcher.texts, watcher.frames, strict=True):
        assert set(frame) == WHITELIST[frame["type"]]
        assert set(frame.get("seats", {})) <= set("ALBX")
        for secret in (scene.alice, scene.bob, scene.alice.hex, reference, f":{total}", "example.com"):
            assert str(secret) not in text
    assert {frame["type"] for frame in watcher.frames} == set(WHITELIST)
    assert json.loads(watcher.texts[0])["n"] == 40
