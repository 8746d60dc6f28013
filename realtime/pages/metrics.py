"""`/metrics`: this process's figures as Prometheus reads them (text format 0.0.4). No database is asked.

Most are counted where they happen (`cinema.web.metrics`, `realtime.counters`, `realtime.fast_path.frame_counts`). What
is a state, such as the sockets open now, is read when it is asked for. In a cluster each process answers for itself.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, GCCollector, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from cinema.web.metrics import LOOP, SITE
from cinema.web.problems import Forbidden
from realtime import process
from realtime.counters import LIVE
from realtime.fast_path import frame_counts
from realtime.live import hub, watched_showtime
from realtime.sockets import limits

log = logging.getLogger(__name__)

MACHINE = CollectorRegistry()
ProcessCollector(registry=MACHINE)
GCCollector(registry=MACHINE)


class Now(Collector):
    """What is so at this moment. Runs in a request's thread: it reads, and copies before it looks through."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("bookmyseat_threads", "Threads of this process.", threading.active_count())
        yield GaugeMetricFamily(
            "bookmyseat_draining", "1 while this process refuses new sockets.", int(process.is_draining())
        )
        yield GaugeMetricFamily("bookmyseat_sockets_open", "Sockets accepted and not yet closed.", limits.door.sockets)
        yield GaugeMetricFamily("bookmyseat_sockets_most", "Sockets that this process takes at most.", limits.door.most)
        yield from frames()
        running = hub.running()
        if running is not None:
            yield from rooms(running)


def frames() -> Iterator[Metric]:
    """By kind, and by the way out: `short` straight to the transport, `long` through ASGI."""
    n = CounterMetricFamily("bookmyseat_frames", "Frames delivered to viewers.", labels=["kind", "way"])
    size = CounterMetricFamily("bookmyseat_frame_bytes", "Bytes of text in them.", labels=["kind", "way"])
    for way, out in (("short", frame_counts.SHORT), ("long", frame_counts.LONG)):
        for kind, count, length in out.by_kind():
            n.add_metric([kind, way], count)
            size.add_metric([kind, way], length)
    yield n
    yield size


def rooms(running: hub.Hub) -> Iterator[Metric]:
    crowds = [len(each.viewers) for each in list(running.watches.values())]
    viewers = GaugeMetricFamily("bookmyseat_sockets", "Viewers now.", labels=["kind"])
    viewers.add_metric(["showtime"], sum(crowds))
    viewers.add_metric(["board"], len(running.board.viewers) if running.board else 0)
    yield viewers
    yield GaugeMetricFamily("bookmyseat_rooms", "Showtimes whose map is kept here.", len(crowds))
    yield GaugeMetricFamily("bookmyseat_room_viewers_most", "Viewers of the largest room.", max(crowds, default=0))
    yield GaugeMetricFamily(
        "bookmyseat_tick_seconds", "Pause between two ticks of a room now.", running.pace.pause(watched_showtime.TICK)
    )
    yield GaugeMetricFamily("bookmyseat_poll_age_seconds", "Since the database last answered.", running.age / 1000)
    yield GaugeMetricFamily("bookmyseat_database_ok", "1 while polls are answered.", int(running.ok))
    yield GaugeMetricFamily(
        "bookmyseat_bridge_up", "1 while hints of other processes arrive (or none are needed).", is_bridge_up(running)
    )


def is_bridge_up(running: hub.Hub) -> int:
    return int(running.transport.is_healthy)


class _Named:
    """These collectors' figures with this process's name on each, so that processes behind one port do not mix."""

    def __init__(self, *collectors: Collector) -> None:
        self.collectors = collectors

    def collect(self) -> Iterable[Metric]:
        for collector in self.collectors:
            for metric in collector.collect():
                metric.samples = [
                    sample._replace(labels={**sample.labels, "node": process.NODE}) for sample in metric.samples
                ]
                yield metric


def text() -> bytes:
    """All figures of this process; those of the loop too, if it runs here or left them in a file."""
    here = [SITE, LIVE, Now(), MACHINE]
    if settings.LOOP == "inside":
        return generate_latest(_Named(*here, LOOP))
    return generate_latest(_Named(*here)) + left_by_loop()


# ---- a loop in a process of its own, which has no port ---------------------------------------------------------------


def loop_file() -> Path:
    folder: Path = settings.DATA_DIR
    return folder / "loop.prom"


def leave_for_others() -> None:
    """The loop's figures into a file, whole at every moment: the web processes and the node exporter read it."""
    written = loop_file().with_suffix(".new")
    try:
        written.write_bytes(generate_latest(_Named(LOOP)))
        written.replace(loop_file())
    except OSError as error:  # a full disk must not stop the loop
        log.warning("the loop's figures were not written: %s", error)


def left_by_loop() -> bytes:
    try:
        return loop_file().read_bytes()
    except OSError:
        return b""


# ---- the door --------------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever stands inside: straight from this machine or a private network."""
    if not is_inside(request):
        raise Forbidden("Figures are given to monitors inside the house only.")
    return HttpResponse(text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def is_inside(request: HttpRequest) -> bool:
    """What came through a proxy came from outside, whoever vouches for it."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "127.0.0.1").is_private
    except ValueError:
        return False
