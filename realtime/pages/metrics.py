"""`/metrics`: this process's metrics in Prometheus' text format 0.0.4. No query.

Most are counted where they happen (`cinema.web.metrics`, `realtime.metrics`, `realtime.fast_path.frame_counts`).
Gauges, such as the open sockets, are read at each scrape. In a cluster each process answers for itself.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import threading
import time
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

from cinema.database import clock
from cinema.files import write_file
from cinema.web.client_address import FORWARDED
from cinema.web.metrics import LOOP, SITE
from cinema.web.problems import Forbidden
from realtime import process
from realtime.fast_path import frame_counts
from realtime.live import hub, watched_showtime
from realtime.metrics import LIVE
from realtime.sockets import limits

log = logging.getLogger(__name__)

MACHINE = CollectorRegistry()
ProcessCollector(registry=MACHINE)
GCCollector(registry=MACHINE)


class Gauges(Collector):
    """The values of this moment. Runs in a request's thread: it only reads, and iterates over copies."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("bookmyseat_threads", "Threads of this process.", threading.active_count())
        yield GaugeMetricFamily(
            "bookmyseat_draining", "1 while this process refuses new sockets.", int(process.is_draining())
        )
        yield GaugeMetricFamily(
            "bookmyseat_clock_offset_seconds", "This process's clock less the database's.", clock.offset()
        )
        yield GaugeMetricFamily(
            "bookmyseat_sockets_open", "Sockets accepted and not yet closed.", limits.limiter.sockets
        )
        yield GaugeMetricFamily(
            "bookmyseat_sockets_most", "Sockets that this process takes at most.", limits.limiter.most
        )
        yield from frames()
        running = hub.running()
        if running is not None:
            yield from rooms(running)


def frames() -> Iterator[Metric]:
    """By kind, and by way: `short` directly to the socket, `long` through ASGI."""
    n = CounterMetricFamily("bookmyseat_frames", "Frames delivered to viewers.", labels=["kind", "way"])
    size = CounterMetricFamily("bookmyseat_frame_bytes", "Bytes of text in them.", labels=["kind", "way"])
    for way, out in (("short", frame_counts.DIRECT), ("long", frame_counts.VIA_ASGI)):
        for kind, count, length in out.by_kind():
            n.add_metric([kind, way], count)
            size.add_metric([kind, way], length)
    yield n
    yield size


def rooms(running: hub.Hub) -> Iterator[Metric]:
    sizes = [len(watched.viewers) for watched in list(running.watched.values())]
    viewers = GaugeMetricFamily("bookmyseat_sockets", "Viewers now.", labels=["kind"])
    viewers.add_metric(["showtime"], sum(sizes))
    viewers.add_metric(["board"], len(running.board.viewers) if running.board else 0)
    yield viewers
    yield GaugeMetricFamily("bookmyseat_rooms", "Showtimes whose map is kept here.", len(sizes))
    yield GaugeMetricFamily("bookmyseat_room_viewers_most", "Viewers of the largest room.", max(sizes, default=0))
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


class _LabelledWithNode:
    """The samples of these collectors with this process's name, so that those of processes on one port do not mix."""

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
    """All metrics of this process; those of the loop too, if it runs here or has written them to its file."""
    here = [SITE, LIVE, Gauges(), MACHINE]
    if settings.LOOP == "inside":
        return generate_latest(_LabelledWithNode(*here, LOOP))
    return generate_latest(_LabelledWithNode(*here)) + read_loop_file()


# ---- a loop in a process of its own, which has no port ---------------------------------------------------------------


STALE = 30.0  # seconds
LEASE_LINE = re.compile(rb"^(bookmyseat_loop_holds_lease\{[^}]*\}) .*$", re.MULTILINE)


def loop_file() -> Path:
    folder: Path = settings.DATA_DIR
    return folder / "loop.prom"


def write_loop_file() -> None:
    """Write the loop's metrics to its file, whole: the web processes read it."""
    try:
        write_file(loop_file(), generate_latest(_LabelledWithNode(LOOP)), is_synced=False)
    except OSError as error:  # a full disk must not stop the loop
        log.warning("the loop's metrics were not written: %s", error)


def read_loop_file() -> bytes:
    """Its text. A file that nobody has written for `STALE` is of a loop that died: it says that it holds no lease."""
    try:
        content, age = loop_file().read_bytes(), time.time() - loop_file().stat().st_mtime
    except OSError:
        return b""
    return content if abs(age) < STALE else LEASE_LINE.sub(rb"\1 0.0", content)


# ---- the page --------------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Only for requests straight from this machine or a private network."""
    if not is_internal(request):
        raise Forbidden("Figures are given to monitors inside the house only.")
    return HttpResponse(text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def is_internal(request: HttpRequest) -> bool:
    """A forwarded request counts as external, whatever address its proxy names."""
    if any(name in request.META for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR") or "127.0.0.1").is_private
    except ValueError:
        return False
