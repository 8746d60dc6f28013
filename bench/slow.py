"""Viewers that stop reading during 200 changes per second: the server's memory for each, the delay of the others.

`python -m bench.slow [--seconds N] [--viewers N] [--stopped N]`, on uvicorn and on daphne. Baseline: the same run in
which all read. Several stop, because the memory of one would be lost in the noise; the kernel's socket buffers are not
included. On uvicorn a viewer that reads nothing sends no pong either, and is closed after 40 seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys

from bench.fanout import CLIENT
from bench.measures import pin
from bench.rates import ROUNDS, Figures, measure, start_installation
from bench.support.tables import percentile, print_table, spread_of
from realtime.sockets.open_files import allow_files

HEAD = [
    "server",
    "readers",
    "frames/viewer/s",
    "delay p50 ms",
    "delay p99 ms",
    "KiB per stopped viewer",
    "correct at the end",
    "closed, no pong",
]


def row(kind: str, name: str, viewers: int, stopped: int, rounds: list[Figures]) -> list[str]:
    return [
        kind,
        name,
        spread_of([each.frames for each in rounds]),
        spread_of([statistics.median(each.delays) for each in rounds], "{:.0f}"),
        spread_of([percentile(each.delays, 0.99) for each in rounds], "{:.0f}"),
        spread_of([each.memory for each in rounds], "{:.0f}") if stopped else "-",
        f"{min(each.correct for each in rounds)} of {viewers - max(each.closed for each in rounds)}",
        str(max(each.closed for each in rounds)),
    ]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.slow", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--stopped", type=int, default=20)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--servers", nargs="+", choices=("uvicorn", "daphne"), default=["uvicorn", "daphne"])
    options = parser.parse_args(arguments)
    allow_files()
    pin([os.getpid()], CLIENT)
    for kind in options.servers:
        rows = []
        with start_installation(kind) as target:
            for name, stopped in (("all (baseline)", 0), (f"all but {options.stopped}", options.stopped)):
                rounds = [
                    measure(target, options.rate, options.viewers, options.seconds, stopped)
                    for _ in range(options.rounds)
                ]
                rows.append(row(kind, name, options.viewers, stopped, rounds))
        print_table(HEAD, rows)


if __name__ == "__main__":
    main(sys.argv[1:])
