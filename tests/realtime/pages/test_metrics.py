"""`/metrics`: well-formed, correct, of this process alone, and not for external requests."""

import os
import time
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from bench.support.factories import make_showtime, new_visitor
from booking import locks
from booking.models import OutboxMessage
from booking.outbox.messages import enqueue
from booking.outbox.worker import measure_dead, measure_pending
from cinema.database import clock
from cinema.web import metrics as site_metrics
from realtime import process
from realtime.fast_path import frame_counts
from realtime.fast_path.frame_counts import FrameCounts
from realtime.pages import metrics as metrics_page
from realtime.transports.local import LocalTransport
from tests.realtime.live.chaos import SimulatedViewer, eventually, running_hub
from tests.realtime.live.null_transport import NullTransport
from tests.realtime.live.simulated_showtime import SimulatedShowtime


def read(text):
    """{(name, labels without the node): value}"""
    families = list(text_string_to_metric_families(text.decode()))
    return {
        (sample.name, *sorted(f"{k}={v}" for k, v in sample.labels.items() if k != "node")): sample.value
        for family in families
        for sample in family.samples
    }


def value(name, *labels):
    return read(metrics_page.text()).get((name, *sorted(labels)), 0.0)


@pytest.mark.django_db
def test_metrics_are_prometheus_text_and_cost_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.content.decode()))
    assert all(family.documentation and family.type != "unknown" for family in families)
    assert all(sample.labels["node"] == process.NODE for family in families for sample in family.samples)
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert {"bookmyseat_sockets_open", "bookmyseat_tick_lag_seconds", "bookmyseat_lock_requests"} < set(names)
    assert {"process_cpu_seconds", "process_open_fds", "python_gc_collections"} < set(names)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "extra",
    [
        {"REMOTE_ADDR": "198.51.100.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "10.0.0.2", "HTTP_FORWARDED": "for=10.0.0.9"},
        {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_REAL_IP": "8.8.8.8"},
    ],
)
def test_a_request_from_a_public_address_or_through_a_proxy_is_refused(client, extra):
    if extra["REMOTE_ADDR"] == "198.51.100.7":
        extra = {"REMOTE_ADDR": "8.8.8.8"}  # an address for documentation counts as private
    assert client.get("/metrics", **extra).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fd00::7", ""])
def test_a_monitor_in_a_private_network_is_answered(client, address):
    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 200


def test_a_run_of_one_text_is_counted_by_its_kind_and_length():
    out, delta, heartbeat = FrameCounts(), '{"type":"delta","v":1}', '{"type":"heartbeat"}'
    for text in (delta, delta, delta, heartbeat, delta):
        out.count(text)
    assert sorted(out.by_kind()) == [("delta", 4, 4 * len(delta)), ("heartbeat", 1, len(heartbeat))]
    assert sorted(out.by_kind()) == [("delta", 4, 4 * len(delta)), ("heartbeat", 1, len(heartbeat))], (
        "asking changes nothing"
    )


async def test_frames_rooms_and_ticks_of_a_hub_are_counted(quick, monkeypatch):
    monkeypatch.setattr(frame_counts, "VIA_ASGI", FrameCounts())
    showtime, before = SimulatedShowtime(1), value("bookmyseat_tick_lag_seconds_count")
    async with running_hub(LocalTransport(), showtime, poll=60, heartbeat=60) as hub:
        monkeypatch.setattr("realtime.live.hub._hub", hub)
        viewers = [SimulatedViewer(hub, showtime, number) for number in range(3)]
        for viewer in viewers:
            await viewer.connect()
        assert await eventually(lambda: all(each.is_current for each in viewers))
        for _ in range(4):
            hub.transport.publish(showtime.commit())
            assert await eventually(lambda: all(each.is_current for each in viewers))
        assert value("bookmyseat_rooms") == 1
        assert value("bookmyseat_sockets", "kind=showtime") == 3
        assert value("bookmyseat_sockets", "kind=board") == 0
        assert value("bookmyseat_room_viewers_most") == 3
        for kind, n in {"hello": 3, "snapshot": 3, "delta": 12}.items():
            assert value("bookmyseat_frames_total", f"kind={kind}", "way=long") == n
        assert value("bookmyseat_tick_lag_seconds_count") == before + 4
        assert value("bookmyseat_bridge_up") == 1
        hub.transport.is_healthy = False
        assert value("bookmyseat_bridge_up") == 0


async def test_a_version_that_only_the_poll_found_is_a_lost_hint(quick):
    showtime, before = SimulatedShowtime(2), value("bookmyseat_hints_lost_total")
    async with running_hub(NullTransport(), showtime, poll=0.05) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        assert await eventually(lambda: bob.is_current)
        for _ in range(3):
            hub.transport.publish(showtime.commit())
        assert await eventually(lambda: bob.is_current)
        assert value("bookmyseat_hints_lost_total") == before + 3


async def test_a_hint_that_arrived_is_not_lost_and_a_gap_is_counted_once(quick):
    showtime, lost, gaps = SimulatedShowtime(3), value("bookmyseat_hints_lost_total"), value("bookmyseat_gaps_total")
    done = value("bookmyseat_catch_ups_total", "result=done")
    async with running_hub(LocalTransport(), showtime, poll=60) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        hub.transport.publish(showtime.commit())
        assert await eventually(lambda: bob.is_current)
        await hub._poll()
        showtime.commit()
        hub.transport.publish(showtime.commit())
        assert await eventually(lambda: bob.is_current)
    assert value("bookmyseat_hints_lost_total") == lost
    assert value("bookmyseat_gaps_total") == gaps + 1
    assert value("bookmyseat_catch_ups_total", "result=done") == done + 1


def test_the_metrics_of_a_loop_in_another_process_are_read_from_its_file(settings, tmp_path):
    settings.DATA_DIR, settings.LOOP = tmp_path, "external"
    assert ("bookmyseat_outbox_pending",) not in read(metrics_page.text())
    metrics_page.write_loop_file()
    families = [family.name for family in text_string_to_metric_families(metrics_page.text().decode())]
    assert families.count("bookmyseat_outbox_pending") == 1
    assert len(families) == len(set(families))
    assert [file.name for file in tmp_path.iterdir()] == ["loop.prom"]


def test_the_file_of_a_loop_that_died_says_that_it_holds_no_lease(settings, tmp_path):
    settings.DATA_DIR, settings.LOOP = tmp_path, "external"
    site_metrics.HOLDS_LEASE.set(1)
    metrics_page.write_loop_file()
    os.utime(metrics_page.loop_file(), (time.time(), time.time()))  # by the clock of the test
    assert value("bookmyseat_loop_holds_lease") == 1
    long_ago = time.time() - metrics_page.STALE - 1
    os.utime(metrics_page.loop_file(), (long_ago, long_ago))
    assert value("bookmyseat_loop_holds_lease") == 0
    site_metrics.HOLDS_LEASE.set(0)


def test_the_offset_of_the_clock_is_a_gauge(clock_ahead):
    clock_ahead(-360)
    clock.now()
    assert value("bookmyseat_clock_offset_seconds") == pytest.approx(-360, abs=1)


def test_a_file_that_cannot_be_written_does_not_stop_the_loop(settings, tmp_path, caplog):
    settings.DATA_DIR = tmp_path / "is not there"
    metrics_page.write_loop_file()
    assert "not written" in caplog.text


async def test_when_the_bridge_goes_down_between_two_polls_the_next_comes_within_half_a_second(quick):
    showtime = SimulatedShowtime(4)
    async with running_hub(NullTransport(), showtime, poll=60) as hub:
        bob = SimulatedViewer(hub, showtime)
        await bob.connect()
        assert await eventually(lambda: bob.is_current)
        hub.transport.publish(showtime.commit())
        hub.transport.is_healthy = False
        assert await eventually(lambda: bob.is_current)


def ask(client, method, showtime, seats=()):
    path = f"/api/showtimes/{showtime.pk}/lock/"
    return getattr(client, method)(path, {"seats": list(seats)}, content_type="application/json").status_code


@pytest.mark.django_db
def test_lock_requests_are_counted_by_outcome():
    showtime, alice, bob = make_showtime(), Client(), Client()
    count = {
        outcome: value("bookmyseat_lock_requests_total", f"outcome={outcome}")
        for outcome in ("granted", "seats-taken", "released", "unknown-seat")
    }
    problems = value("bookmyseat_problems_total", "type=seats-taken")
    assert ask(alice, "put", showtime, ["A1", "A2"]) == 200
    assert ask(bob, "put", showtime, ["A2"]) == 409
    assert ask(bob, "put", showtime, ["nowhere"]) == 422
    assert ask(alice, "put", showtime, ["A1"]) == 200
    assert ask(alice, "delete", showtime) == 204
    grown = {outcome: value("bookmyseat_lock_requests_total", f"outcome={outcome}") - n for outcome, n in count.items()}
    assert grown == {"granted": 2, "seats-taken": 1, "released": 1, "unknown-seat": 1}
    assert value("bookmyseat_problems_total", "type=seats-taken") == problems + 1


@pytest.mark.django_db
def test_the_lag_of_the_sweep_after_a_lapsed_lock_is_counted(settings):
    settings.LOOP = "inside"
    at, showtime = timezone.now(), make_showtime()
    before = value("bookmyseat_lock_expiry_lag_seconds_sum"), value("bookmyseat_lock_expiry_lag_seconds_count")
    booking = locks.lock_seats(showtime_id=showtime.pk, visitor=new_visitor(), labels=["A1"], at=at).booking
    locks.expire_locks(at=booking.locked_until + timedelta(seconds=7))
    after = value("bookmyseat_lock_expiry_lag_seconds_sum"), value("bookmyseat_lock_expiry_lag_seconds_count")
    assert (after[0] - before[0], after[1] - before[1]) == (pytest.approx(7), 1)


@pytest.mark.django_db
def test_pending_overdue_and_dead_outbox_messages_are_gauges(settings):
    settings.LOOP = "inside"
    at = timezone.now()
    with transaction.atomic():
        enqueue(kind="test", dedupe_key="a", payload={}, at=at - timedelta(seconds=90))
        enqueue(kind="test", dedupe_key="b", payload={}, at=at, delay=timedelta(hours=1))
        enqueue(kind="test", dedupe_key="c", payload={}, at=at)
    OutboxMessage.objects.filter(dedupe_key="c").update(state=OutboxMessage.State.DEAD)
    measure_pending(at)
    measure_dead(at)
    assert value("bookmyseat_outbox_pending") == 2
    assert value("bookmyseat_outbox_oldest_overdue_seconds") == pytest.approx(90)
    assert value("bookmyseat_outbox_dead") == 1
    OutboxMessage.objects.all().delete()
    measure_pending(at)
    assert (value("bookmyseat_outbox_pending"), value("bookmyseat_outbox_oldest_overdue_seconds")) == (0, 0)
